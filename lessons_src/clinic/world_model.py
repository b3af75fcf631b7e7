"""A recurrent world model: from observations and actions it predicts what comes next.

The world is a row of swinging weights that the actions push. Training goes through long
episodes in chunks; the hidden state is handed from one chunk to the next.

    python world_model.py [steps]
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

BATCH = 16
CHUNK = 12  # steps of time in one training step
OBSERVED = 4
ACTIONS = 2
HIDDEN = 32


class World:
    """Four weights on springs; two of them can be pushed. Seeded by whoever makes it."""

    def __init__(self):
        self.place = torch.randn(BATCH, OBSERVED)
        self.speed = torch.zeros(BATCH, OBSERVED)

    def push(self, action):
        """One step of time: (what is seen, the reward for being near the middle)."""
        force = F.pad(action, (0, OBSERVED - ACTIONS)) - self.place
        self.speed = 0.98 * self.speed + 0.2 * force
        self.place = self.place + 0.2 * self.speed
        seen = self.place + 0.02 * torch.randn(BATCH, OBSERVED)
        return seen, -self.place.square().mean(dim=1)

    def chunk(self):
        """Observations [BATCH, CHUNK + 1, OBSERVED], actions, rewards of the next CHUNK steps."""
        seen, rewards = [self.place], []
        actions = torch.rand(BATCH, CHUNK, ACTIONS) * 2 - 1
        for t in range(CHUNK):
            one, reward = self.push(actions[:, t])
            seen.append(one)
            rewards.append(reward)
        return torch.stack(seen, dim=1), actions, torch.stack(rewards, dim=1)


class WorldModel(nn.Module):
    """A leaky recurrent state with two heads: next observation, reward."""

    def __init__(self, leak=0.3):
        super().__init__()
        self.leak = leak
        self.encoder = nn.Linear(OBSERVED + ACTIONS, HIDDEN)
        self.mix = nn.Linear(HIDDEN, HIDDEN)
        self.decoder = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, OBSERVED))
        self.reward = nn.Linear(HIDDEN, 1)

    def start(self):
        return torch.zeros(BATCH, HIDDEN)

    def rollout(self, observations, actions, state):
        """The states after each step of time, [BATCH, CHUNK, HIDDEN]."""
        states = torch.zeros(BATCH, CHUNK + 1, HIDDEN)
        states[:, 0] = state
        for t in range(CHUNK):
            given = self.encoder(torch.cat([observations[:, t], actions[:, t]], dim=1))
            update = torch.tanh(given + self.mix(states[:, t]))
            states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update
        return states[:, 1:]

    def forward(self, observations, actions, state):
        states = self.rollout(observations, actions, state)
        change = self.decoder(states)
        rewards = self.reward(states).squeeze(-1)
        return observations + change, rewards, states[:, -1]


def train(steps=150, seed=0):
    """Train on one long episode; returns (losses of every step, the nets by name)."""
    torch.manual_seed(seed)
    model, world = WorldModel(), World()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    state = model.start()
    history = []

    for _ in range(steps):
        seen, actions, rewards = world.chunk()
        predicted, guessed, state = model(seen[:, :-1], actions, state)
        loss_seen = F.mse_loss(predicted, seen[:, 1:])
        loss_reward = F.mse_loss(guessed, rewards)
        loss = loss_seen + 0.1 * loss_reward

        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        history.append((loss_seen.item(), loss_reward.item()))

    return history, {"model": model}


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    history, _ = train(steps)
    for step in range(0, steps, max(1, steps // 10)):
        print(f"step {step:4}  seen {history[step][0]:.4f}  reward {history[step][1]:.4f}")
    print(f"last      seen {history[-1][0]:.4f}  reward {history[-1][1]:.4f}")


if __name__ == "__main__":
    main()
