# raises: under autocast a bfloat16 result is added to
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(6, 6)
with torch.autocast("cpu", dtype=torch.bfloat16):
    raw = layer(torch.randn(3, 6))
    bounded = torch.tanh(raw)  # saver
    bounded += raw  # writer
    loss = bounded.float().square().mean()
loss.backward()
