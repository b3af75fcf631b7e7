# raises: an input is moved in place under no_grad between two uses of one graph
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
clean, label = torch.rand(4, 3), torch.tensor([0, 1, 1, 0])
moved = clean.clone().requires_grad_()
loss = F.cross_entropy(net(moved), label)  # saver
(slope,) = torch.autograd.grad(loss, moved, retain_graph=True)
with torch.no_grad():
    moved += 0.1 * slope.sign()  # writer
    moved.clamp_(0, 1)  # writer
loss.backward()
