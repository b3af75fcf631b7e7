# fine: a compiled network is trained for two steps
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1))
quick = torch.compile(net, backend="eager")
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    optimizer.zero_grad()
    quick(torch.randn(5, 3)).square().mean().backward()
    optimizer.step()
print(net[0].weight.grad)
