"""A small GAN: the generator learns to draw points on a ring of eight blobs.

    python gan.py [steps]
"""

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

BATCH = 64
NOISE = 8
WIDTH = 32


def real_points(count):
    """Points around eight centres on the unit circle, [count, 2]."""
    angle = torch.randint(8, (count,)) * (math.pi / 4)
    centre = torch.stack([angle.cos(), angle.sin()], dim=1)
    return centre + 0.05 * torch.randn(count, 2)


class Block(nn.Module):
    """Linear, norm, ReLU, and a shortcut around them."""

    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        out = self.norm(self.linear(x))
        out = F.relu(out)
        out += x
        return out


class Generator(nn.Module):
    """Noise [N, NOISE] to points [N, 2]."""

    def __init__(self):
        super().__init__()
        self.start = nn.Linear(NOISE, WIDTH)
        self.blocks = nn.Sequential(Block(WIDTH), Block(WIDTH))
        self.end = nn.Linear(WIDTH, 2)

    def forward(self, noise):
        x = self.start(noise)
        x = self.blocks(x)
        return self.end(x)


class Critic(nn.Module):
    """Points [N, 2] to scores [N, 1]; high means real."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, WIDTH),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(WIDTH, 1),
        )

    def forward(self, points):
        return self.net(points)


def train(steps=300, seed=0):
    """Train both; returns (losses of every step, the nets by name)."""
    torch.manual_seed(seed)
    generator, critic = Generator(), Critic()
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
    opt_d = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.0, 0.9))
    history = []

    for _ in range(steps):
        real = real_points(BATCH)
        fake = generator(torch.randn(BATCH, NOISE))

        # the critic: real points up, drawn points down
        score_real = critic(real)
        score_fake = critic(fake)
        loss_d = F.softplus(-score_real).mean() + F.softplus(score_fake).mean()
        opt_d.zero_grad()
        loss_d.backward(retain_graph=True)
        opt_d.step()

        # the generator: drawn points up
        loss_g = F.softplus(-score_fake).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

        history.append((loss_d.item(), loss_g.item()))

    return history, {"generator": generator, "critic": critic}


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    history, nets = train(steps)
    for step in range(0, steps, max(1, steps // 10)):
        print(f"step {step:4}  critic {history[step][0]:.3f}  generator {history[step][1]:.3f}")
    with torch.no_grad():
        drawn = nets["generator"](torch.randn(1000, NOISE))
    print(f"mean distance from the centre: {drawn.norm(dim=1).mean():.2f} (real points: 1.00)")


if __name__ == "__main__":
    main()
