# raises: the trainer raises an error of its own from PyTorch's
import torch
from torch import nn

torch.manual_seed(0)


class StepFailed(Exception):
    pass


layer = nn.Linear(4, 4)
scores = torch.softmax(layer(torch.randn(2, 4)), dim=1)  # saver
scores[:, 0] = 0  # writer
try:
    scores.sum().backward()
except RuntimeError as error:
    raise StepFailed("step 7 failed") from error
