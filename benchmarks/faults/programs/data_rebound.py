# silent: .data of an activation is bound anew after an operation has saved the activation
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(3, 3)
hidden = layer(torch.randn(2, 3))
energy = hidden.square()  # saver
hidden.data = hidden.data.clamp(-0.2, 0.2)  # writer
(energy + hidden).sum().backward()
print(layer.weight.grad)
