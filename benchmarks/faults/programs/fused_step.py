# silent: a fused optimizer writes the weights and moves no version counter
import torch
from torch import nn

torch.manual_seed(0)
maker, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
judge_steps = torch.optim.AdamW(judge.parameters(), 0.5, fused=True)
made = maker(torch.randn(4, 2))
verdict = judge(made)  # saver
judge(made.detach()).mean().backward()
judge_steps.step()  # writer
verdict.mean().backward()
print(maker.weight.grad)
