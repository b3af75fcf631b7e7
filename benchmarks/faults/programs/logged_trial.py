# caught: the error is logged with its traceback, and the program ends with a code of its own
import logging
import sys

import torch

logging.basicConfig(format="%(message)s")


def trial(seed):
    torch.manual_seed(seed)
    rate = torch.randn(3, requires_grad=True).exp()  # saver
    rate.mul_(2)  # writer
    rate.sum().backward()


try:
    trial(0)
except RuntimeError:
    logging.exception("trial 0 failed")
    sys.exit(3)
