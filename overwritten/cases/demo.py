"""A training step, broken on purpose: `python -m overwritten demo` finds the fault and mends it."""

import torch
from torch import nn


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.value = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        gate *= self.value(x)
        return gate


def step():
    torch.manual_seed(0)
    model = nn.Sequential(Gated(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(torch.randn(16, 8)).square().mean()
    loss.backward()
    optimizer.step()
    print(f"loss {loss.item():.4f}, one step done")


if __name__ == "__main__":
    step()
