# silent: a Function keeps its input as an attribute of ctx, where no version is checked
import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x * x

    @staticmethod
    def backward(ctx, slope):
        return 3 * ctx.x * ctx.x * slope


weight = torch.tensor([1.0, 2.0], requires_grad=True)
scaled = weight * 2
cubed = Cube.apply(scaled)
scaled -= 1
(cubed + scaled).sum().backward()
print(weight.grad)
