# raises: gradients that carry a graph are clipped in place before that graph is used
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))
net(torch.randn(4, 2)).square().mean().backward(create_graph=True)
flatness = sum(weight.grad.square().sum() for weight in net.parameters())  # saver
nn.utils.clip_grad_norm_(net.parameters(), 0.001)  # writer
flatness.backward()
