# raises: a saved result is overwritten by one line two hundred times
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(8, 200)
chance = layer(torch.randn(1, 8)).sigmoid()  # saver
for token in range(200):
    chance[0, token] = 1 - token / 200  # writer
chance.sum().backward()
