# raises: torch.func gives the inner gradient, and the fast weights are moved in place
import torch
from torch import nn
from torch.func import functional_call, grad

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))
fast = {name: weight.clone() for name, weight in net.named_parameters()}
task = torch.randn(6, 2)


def loss(weights):
    return functional_call(net, weights, (task,)).square().mean()  # saver


before = loss(fast)
slopes = grad(loss)(fast)
for name in fast:
    fast[name].sub_(0.1 * slopes[name])  # writer
(before + loss(fast)).backward()
