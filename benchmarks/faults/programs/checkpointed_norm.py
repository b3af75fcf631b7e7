# fine: a checkpointed block holds a BatchNorm, whose statistics move twice
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
block = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh())
checkpoint(block, torch.randn(6, 3), use_reentrant=False).square().sum().backward()
print(block[0].weight.grad)
