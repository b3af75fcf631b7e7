import torch

x = torch.zeros(1, requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
    y = x.exp()  # saves its result
z = y * 3
y.mul_(2)
(got,) = torch.autograd.grad(z, x)  # without the hooks it raises
right = torch.tensor([3.0])
print(torch.__version__, "got", got.tolist(), "right", right.tolist())
