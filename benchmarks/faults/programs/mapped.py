# raises: save and write stand inside a function that vmap maps
import torch
from torch.func import vmap


def score(row):
    chance = torch.sigmoid(row)  # saver
    chance.mul_(2)  # writer
    return chance.sum()


rows = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
vmap(score)(rows).sum().backward()
