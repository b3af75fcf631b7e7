# silent: a hook scales in place a gradient that the other branch is handed as well
import torch

x = torch.linspace(-1, 1, 4, requires_grad=True)
doubled = x * 2
branch = doubled.sigmoid()
branch.register_hook(lambda gradient: gradient.mul_(0.5))
((branch + doubled) * torch.arange(1.0, 5.0)).sum().backward()
print(x.grad)
