# raises: the training loop runs in a process that torch.multiprocessing starts
import torch
from torch import multiprocessing, nn


def work(rank, width):
    torch.manual_seed(rank)
    layer = nn.Linear(width, width)
    gate = torch.tanh(layer(torch.randn(3, width)))  # saver
    gate *= 0.5  # writer
    gate.sum().backward()


if __name__ == "__main__":
    multiprocessing.spawn(work, args=(4,), nprocs=1)
