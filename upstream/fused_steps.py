import torch

weight = torch.nn.Parameter(torch.ones(2))
optimizer = torch.optim.SGD([weight], lr=1.0, fused=True)  # Adam, AdamW and Adagrad alike
x = torch.ones(2, requires_grad=True)
first, second = (x * weight).sum(), (x * weight).sum()
first.backward()
optimizer.step()  # writes `weight`, which `second` has saved
(got,) = torch.autograd.grad(second, x)
right = torch.ones(2)
print(torch.__version__, "got", got.tolist(), "right", right.tolist(), "version", weight._version)
