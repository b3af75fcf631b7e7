# raises: three branches of one loss are each overwritten; one run could tell all three
import torch
from torch import nn

torch.manual_seed(0)
stem = nn.Linear(4, 6)
features = stem(torch.randn(3, 4))
sure = features[:, :1].sigmoid()  # saver 3
size = features[:, 1:3].exp()  # saver 2
kind = features[:, 3:].softmax(dim=1)  # saver 1
sure += 0.1  # writer 3
size *= 2  # writer 2
size += 1  # writer 2
kind[:, 0] = 0  # writer 1
(sure.sum() + size.sum() + kind.sum()).backward()
