"""The three scripts of the clinic as data: their planted faults, cures, slips and hints.

The scripts themselves lie in `lessons_src/clinic/`; what runs and checks them is in `clinic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Script:
    """A script with faults. faults: in the order in which they show, each the lines and their cure.

    steps: training steps of a comparison. shows: how many bring out every fault. nets: those whose last gradients count.
    others: whole cures that differ and are as right, each a row of (lines, cure).
    slips: (changes to the mended script, what is wrong with it) for scripts that train like that.
    """

    name: str
    steps: int
    shows: int
    nets: tuple[str, ...]
    faults: tuple[tuple[tuple[str, str], ...], ...]
    others: tuple[tuple[tuple[str, str], ...], ...] = ()
    slips: tuple[tuple[tuple[tuple[str, str], ...], str], ...] = ()

    @property
    def path(self) -> Path:
        """Where the script lies: in the tree, or where pip put it."""
        path = Path(__file__).parents[3] / "lessons_src" / "clinic" / f"{self.name}.py"
        if path.exists():
            return path
        for file in metadata.files("overwritten") or ():
            if file.as_posix().endswith(f"overwritten/clinic/{self.name}.py"):
                return Path(file.locate()).resolve()
        raise FileNotFoundError(
            f"{self.name}.py of the clinic is not here: install the course again."
        )

    @property
    def source(self) -> str:
        return self.path.read_text("utf8")

    def mended(self, faults: int | None = None, cure=None) -> str:
        """The source with the first `faults` faults mended (all), or with the changes of `cure`."""
        changes = cure or (change for fault in self.faults[:faults] for change in fault)
        return replaced(self.source, *changes)


def replaced(source: str, *changes: tuple[str, str]) -> str:
    """`source` with each (old, new); raises ValueError where an old text does not stand there once."""
    for old, new in changes:
        if source.count(old) != 1:
            raise ValueError(f"the script has {old!r} {source.count(old)} times, not once.")
        source = source.replace(old, new)
    return source


_GAN_CRITIC = (
    ("score_fake = critic(fake)\n", "score_fake = critic(fake.detach())\n"),
    ("loss_d.backward(retain_graph=True)", "loss_d.backward()"),
)
SCRIPTS = {
    "gan": Script(
        "gan",
        steps=4,
        shows=1,
        nets=("generator",),
        faults=(
            (("        out += x\n", "        out = out + x\n"),),
            (*_GAN_CRITIC, ("loss_g = F.softplus(-score_fake).mean()", "loss_g = F.softplus(-critic(fake)).mean()")),
        ),
        others=(
            (
                ("        out += x\n", "        out = out + x\n"),
                ("        loss_d.backward(retain_graph=True)\n        opt_d.step()\n", ""),
                ("        opt_g.zero_grad()\n", "        opt_g.zero_grad()\n        loss_g.backward(retain_graph=True, inputs=list(generator.parameters()))\n"),
                ("        loss_g.backward()\n        opt_g.step()\n", "        loss_d.backward(inputs=list(critic.parameters()))\n        opt_d.step()\n        opt_g.step()\n"),
            ),
        ),
        slips=(
            ((("        opt_d.step()\n", ""), ("        opt_g.step()\n", "        opt_g.step()\n        opt_d.step()\n")), "the critic steps after the generator's backward, which left gradients in the critic as well: it learns to be fooled."),
            ((("-critic(fake))", "-critic(fake.detach()))"),), "`fake` is cut off from the generator, so the generator learns nothing: cut only what the critic's loss gets."),
        ),
    ),
    "world_model": Script(
        "world_model",
        steps=4,
        shows=2,
        nets=("model",),
        faults=(
            (
                ("        states = torch.zeros(BATCH, CHUNK + 1, HIDDEN)\n        states[:, 0] = state\n", "        states = [state]\n"),
                ("self.mix(states[:, t])", "self.mix(states[t])"),
                ("states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update", "states.append((1 - self.leak) * states[t] + self.leak * update)"),
                ("return states[:, 1:]", "return torch.stack(states[1:], dim=1)"),
            ),
            (("actions, state)\n        loss_seen", "actions, state.detach())\n        loss_seen"), ("loss.backward(retain_graph=True)", "loss.backward()")),
        ),
        slips=(
            ((("actions, state.detach())", "actions, model.start())"),), "the state begins at zero in each chunk: the model forgets what it saw. Hand it on, without its history."),
            ((("self.mix(states[t])", "self.mix(states[t].detach())"),), "inside a chunk the gradient has to go from step to step: cut only where a chunk ends."),
        ),
    ),
    "detector": Script(
        "detector",
        steps=5,
        shows=3,
        nets=("net",),
        faults=(
            (
                (
                    "        y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + self.grid) * STRIDE\n"
                    "        y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * self.anchors\n"
                    "        return y\n",
                    "        centre = (y[..., 0:2] * 2 - 0.5 + self.grid) * STRIDE\n"
                    "        size = (y[..., 2:4] * 2) ** 2 * self.anchors\n"
                    "        return torch.cat([centre, size, y[..., 4:]], dim=-1)\n",
                ),
            ),
        ),
        slips=(((("0 if self.count < 8 else int(torch.randint(3, (1,)))", "0"),), "pictures without rectangles hide the fault: leave the data as it is."),),
    ),
}  # fmt: skip


def numbered(name: str, first: int, last: int) -> str:
    """Lines of a script with their numbers, to read in a notebook."""
    lines = SCRIPTS[name].source.splitlines()[first - 1 : last]
    return "\n".join(f"{number:3}  {line}" for number, line in enumerate(lines, first))


def source(name: str) -> str:
    """The text of a script: 'gan', 'world_model' or 'detector'."""
    return SCRIPTS[name].source


#: For finding, for mending.
HINTS = {
    "gan": (
        ("The message: which operation gives [64, 32] in the generator? It saved its own result.", "`python -m overwritten gan.py`, or `with watch() as recording: clinic.run('gan')`, prints both lines."),
        ("There are two faults. First the line that writes into ReLU's result: compute a new tensor there.", "Then: `opt_d.step()` writes the weights that `score_fake` was made with, and `loss_g` goes back through them.", "Give the critic `fake.detach()`, drop `retain_graph=True`, and let the stepped critic score `fake` again for `loss_g`."),
    ),
    "world_model": (
        ("AsStrided names a view. Which views of [16, 32] does the loop read, and which operation saves what it reads?", "Under the doctor: saved as an input by the linear `mix`; written in the same round of the loop."),
        ("Keep the states in a list and `torch.stack` them at the end.", "Then: `state` carries the graph of the last chunk into the next, past a step of the optimizer.", "Hand on `state.detach()`; then `retain_graph=True` has nothing left to do."),
    ),
    "detector": (
        ("It trains until a picture holds a rectangle. Which function runs only then?", "Sigmoid saved its own result; two lines after it write into that."),
        ("Who else needs what `raw.sigmoid()` gave? Its own derivative.", "Compute centre and size as new tensors and put them together with `torch.cat`; or decode into a `clone()`."),
    ),
}  # fmt: skip


#: The lines of the first fault: the saver's, the last writer's.
FIRST = {
    "gan": ("        out = F.relu(out)", "        out += x"),
    "world_model": (
        "            update = torch.tanh(given + self.mix(states[:, t]))",
        "            states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update",
    ),
    "detector": (
        "        y = raw.sigmoid()",
        "        y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * self.anchors",
    ),
}
