# fine: a nested tensor goes through a layer and back
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(3, 2)
ragged = torch.nested.nested_tensor([torch.randn(2, 3), torch.randn(4, 3)])
layer(ragged).to_padded_tensor(0.0).square().sum().backward()
print(layer.weight.grad)
