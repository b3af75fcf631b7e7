# raises: an optimizer of one's own writes the weights under no_grad
import torch
from torch import nn

torch.manual_seed(0)


class Descent(torch.optim.Optimizer):
    def __init__(self, weights):
        super().__init__(weights, {"rate": 0.1})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                weight.sub_(weight.grad, alpha=group["rate"])  # writer


net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
steps = Descent(net.parameters())
output = net(torch.randn(5, 2))  # saver
output.mean().backward(retain_graph=True)
steps.step()
output.square().mean().backward()
