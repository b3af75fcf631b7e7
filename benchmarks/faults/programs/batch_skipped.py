# caught: a robust loop skips the batch that fails and goes on
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(3, 3)
for number in range(3):
    gate = layer(torch.randn(2, 3)).sigmoid()  # saver
    if number == 1:
        gate += 1  # writer
    try:
        gate.sum().backward()
    except RuntimeError as error:
        print("batch", number, "skipped:", type(error).__name__)
print(layer.weight.grad)
