import torch

rows, x = torch.ones(2, 4), torch.ones(2, requires_grad=True)
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    y = x * rows[:, 2]
    rows[:, 0] = 5.0  # another column: moves the version that all columns share
    rows[:, 2] = 100.0  # the saved column
    (got,) = torch.autograd.grad(y.sum(), x)
right = torch.ones(2)
print(torch.__version__, "got", got.tolist(), "right", right.tolist())
