# raises: two lines write over one result, a subtraction and an in-place activation
import torch
from torch import nn

torch.manual_seed(0)


class Gate(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mix, self.cut = nn.Linear(width, width), nn.Hardtanh(0, 1, inplace=True)

    def forward(self, x):
        weight = torch.sigmoid(self.mix(x))  # saver
        weight -= 0.3  # writer
        with torch.no_grad():
            self.cut(weight)  # writer
        return (weight * 3).sum()


Gate(4)(torch.randn(2, 4)).backward()
