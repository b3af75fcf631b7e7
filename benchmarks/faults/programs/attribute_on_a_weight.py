# fine: a Function's backward reads an attribute that was put on a saved parameter
import torch
from torch import nn


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return weight * weight.rate

    @staticmethod
    def backward(ctx, slope):
        (weight,) = ctx.saved_tensors
        return slope * weight.rate


weight = nn.Parameter(torch.ones(3))
weight.rate = 4
Scaled.apply(weight).sum().backward()
print(weight.grad)
