"""A training step that dies. `python -m overwritten train.py` says which two lines did it."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(inplace=True)

    def forward(self, x):
        h = self.act(self.fc(x))
        h = self.drop(h)
        return h


model = nn.Sequential(Block(), Block(), nn.Linear(8, 1))
loss = model(torch.randn(4, 8)).square().mean()
loss.backward()
