"""The knob: ipywidgets controls whose values go into real code that runs again.

The idea: a change of a control runs the snippets anew in a recording of their own, and
only the finished picture and sentence travel to the front end.
It uses no `interact` and no `Output`; it touches no tensor of the learner's, so it does
not matter in which thread the front end's message lands.
"""

from __future__ import annotations

import threading
from html import escape

from overwritten.live.film import CONTROLS
from overwritten.live.scenes import SCENES
from overwritten.pictures.draw import STYLE, data_uri, height_of


class Knob:
    """Code under controls, and a scene of what it does (see `overwritten.live.scenes`).

    controls: {name: ipywidgets control}. scene: what is shown for the values set now.
    recordings: {label: Recording} of those values.
    """

    def __init__(self, program, show: str, choices: dict[str, list]):
        import ipywidgets

        self._program, self._show, self._turning = program, SCENES[show], threading.Lock()
        self.controls = {name: _control(ipywidgets, name, list(values)) for name, values in choices.items()}
        self._first, self._tallest = next(iter(choices)), 0
        self._rows = [(value, self._run({**self.values, self._first: value}).cells) for value in choices[self._first]]
        self.picture = ipywidgets.HTML()
        self.sentence = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*self.controls.values(), self.picture, self.sentence])
        for control in self.controls.values():
            control.observe(self._turned, "value")
        self._turned()

    @property
    def values(self) -> dict:
        """What the controls are set to now."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def recordings(self) -> dict:
        """{label: Recording} of what is shown."""
        return self.scene.recordings

    def turn(self, **values) -> str:
        """Set controls as a hand would; return the sentence then shown.

        For a control or a value that is not there nothing turns; the sentence says so.
        """
        for name, value in values.items():
            if name not in self.controls:
                return f"There is no control {name!r} here, only {', '.join(self.controls)}."
            offered = [v for _, v in self.controls[name].options]
            if value not in offered:
                return f"{name} cannot be {_label(value)}; choose one of {', '.join(map(_label, offered))}."
        for name, value in values.items():
            self.controls[name].value = value
        return self.say()

    def say(self) -> str:
        """What the picture shows, in words."""
        where = ", ".join(f"{name} = {_label(value)}" for name, value in self._shown.items())
        return f"{where}:\n{self.scene.words}"

    def _run(self, values):
        codes = self._program(**values) if callable(self._program) else self._program
        if isinstance(codes, str):
            codes = {"code": codes}
        if not isinstance(codes, dict) or not codes or not all(isinstance(code, str) for code in codes.values()):
            raise ValueError("A knob's function must return code as text, or a dict of such texts by label.")
        return self._show(codes, dict(values))

    def _turned(self, change=None):
        with self._turning:
            values = self.values
            self.scene = self._run(values)
            self._shown = values
            self._tallest = max(self._tallest, height_of(self.scene.svg))  # what stands below must not jump
            room = f"min-height:{self._tallest:g}px"
            self.picture.value = f'<div class="ow" style="{room}"><style>{STYLE}{CONTROLS}</style>{self.scene.svg}</div>'
            words = escape(self.say(), quote=False)
            self.sentence.value = f'<div class="ow"><p class="sentence" aria-live="polite">{words}</p></div>'

    def html(self) -> str:
        """For readers without a kernel: the picture, the sentence, the first control's table."""
        words = escape(self.say(), quote=False)
        heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in (self._first, *self.scene.cells))
        rows = "".join(
            f"<tr><td>{_label(value)}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells.values()) + "</tr>"
            for value, cells in self._rows
        )
        return (
            f'<div class="ow"><style>{CONTROLS}</style><img class="still" alt="{escape(self.say())}" src="{data_uri(self.scene.svg)}">'
            f'<p class="sentence">{words}</p><details><summary>Every {self._first} as a table</summary>'
            f'<table class="turns"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>'
            f"<p>Run this cell to turn the knob.</p></div>"
        )

    def _ipython_display_(self):
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        bundle = {
            "text/plain": self.say(),
            "text/html": self.html(),
            "application/vnd.jupyter.widget-view+json": view,
        }
        display(bundle, raw=True)


def knob(program, show: str = "peaks", **choices) -> Knob:
    """Show code under one control for each of `choices`.

    program: {label: snippet}, or a function that takes the choices by name and returns code
    as text or such a dict. A list of numbers becomes a slider, any other list a menu; the
    value goes by that name into the snippets too, which run again at every turn.
    show: 'peaks' (bytes line by line), 'lanes' (versions, saves and checks over time) or
    'gradients' (beside the true ones). With two codes or more the last is the out-of-place
    twin: the others' verdicts come from it. Raises ValueError where there is no code,
    nothing to choose from, or nothing of that name to show.

    >>> knob({"x = x + 1": "x = torch.ones(n)\\nx = x + 1"}, n=[1, 10]).turn(n=10)
    'n = 10:\\nx = x + 1 peaks at 80 B.'
    """
    if not callable(program) and (not isinstance(program, dict) or not program):
        raise ValueError('A knob needs snippets by label, as in {"x += 1": "x = torch.ones(n)\\nx += 1"}, or a function that returns them.')
    if show not in SCENES:
        raise ValueError(f"A knob can show {', '.join(map(repr, SCENES))}, not {show!r}.")
    if not choices or not all(isinstance(values, (list, tuple, range)) and values for values in choices.values()):
        raise ValueError("A knob needs something to turn: give it a list, as in n=[1, 10, 100].")
    return Knob(program, show, choices)


def _control(ipywidgets, name, values):
    options = [(_label(value), value) for value in values]
    numbers = all(isinstance(value, (int, float)) for value in values)
    kind = ipywidgets.SelectionSlider if numbers else ipywidgets.Dropdown
    width = ipywidgets.Layout(width="min(520px, 95%)" if numbers else "min(420px, 95%)")
    return kind(options=options, value=values[0], description=name, layout=width)


def _label(value) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else str(value).removeprefix("torch.")
