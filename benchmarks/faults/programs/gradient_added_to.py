# raises: a second backward adds to the .grad that a penalty has saved
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 6), nn.Softplus(), nn.Linear(6, 1))
points = torch.randn(4, 2, requires_grad=True)
net(points).sum().backward(create_graph=True)
steepness = points.grad.square().sum()  # saver
net(-points).mean().backward()  # writer
steepness.backward()
