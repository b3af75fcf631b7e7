# raises: save and write stand inside a TorchScript function
import torch
from torch import nn

torch.manual_seed(0)


@torch.jit.script
def masked(scores: torch.Tensor, hidden: torch.Tensor):
    chance = torch.sigmoid(scores)  # saver
    chance.masked_fill_(hidden, 0.0)  # writer
    return chance


layer = nn.Linear(3, 5)
masked(layer(torch.randn(2, 3)), torch.rand(2, 5) > 0.6).sum().backward()
