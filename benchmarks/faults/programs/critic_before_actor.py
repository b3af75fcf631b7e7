# raises: the critic's optimizer steps while the actor's loss still needs the critic
import torch
from torch import nn

torch.manual_seed(0)
actor = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
critic = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
actor_steps = torch.optim.Adam(actor.parameters(), 1e-2)
critic_steps = torch.optim.Adam(critic.parameters(), 1e-2)


def value(state, action):
    return critic(torch.cat([state, action], dim=1))  # saver


state, taken, reward = torch.randn(6, 3), torch.randn(6, 2), torch.randn(6, 1)
regret = -value(state, actor(state)).mean()
miss = (value(state, taken) - reward).square().mean()
miss.backward()
critic_steps.step()  # writer
regret.backward()
actor_steps.step()
