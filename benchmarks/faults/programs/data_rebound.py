# fine: .data of an activation is bound anew, and what was saved keeps the old values
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(3, 3)
hidden = layer(torch.randn(2, 3))
energy = hidden.square()
hidden.data = hidden.data.clamp(-0.2, 0.2)
(energy + hidden).sum().backward()
print(layer.weight.grad)
