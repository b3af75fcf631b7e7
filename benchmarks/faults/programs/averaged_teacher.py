# raises: an AveragedModel in the graph is brought up to date before backward
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(0)
student = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
teacher = AveragedModel(student)
teacher.update_parameters(student)
batch = torch.randn(5, 3)
gap = student(batch) - teacher(batch)  # saver
teacher.update_parameters(student)  # writer
gap.square().sum().backward()
