# silent: a reentrant checkpoint runs a write into its input twice
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
layer = nn.Linear(3, 3)


def block(x, mask):
    mask.mul_(0.5)  # writer
    return torch.tanh(layer(x)) * mask  # saver


x, mask = torch.randn(2, 3, requires_grad=True), torch.ones(2, 3)
checkpoint(block, x, mask, use_reentrant=True).sum().backward()
print(x.grad)
