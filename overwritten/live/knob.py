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
from overwritten.pictures.draw import STYLE, data_uri, size
from overwritten.pictures.peaks import peaks_svg
from overwritten.recorder import record


class Knob:
    """Several snippets under the same controls, and what each needs at its peak.

    controls: {name: ipywidgets control}. recordings: {label: Recording} of the values set now.
    """

    def __init__(self, codes: dict[str, str], choices: dict[str, list]):
        import ipywidgets

        self.codes, self._turning = codes, threading.Lock()
        self.controls = {name: _control(ipywidgets, name, list(values)) for name, values in choices.items()}
        self._first = next(iter(choices))
        self._rows = [(value, self._run({**self.values, self._first: value})) for value in choices[self._first]]
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
        ends = [
            f"{label} ends with {r.error.rstrip('.')}" if r.error else f"{label} peaks at {size(r.peak)}"
            for label, r in self.recordings.items()
        ]
        ends += [f"{label}: {r.note.rstrip('.?')}" for label, r in self.recordings.items() if r.note]
        return f"{where}:\n{'; '.join(ends)}."

    def _run(self, values):
        names = dict(values)
        return {label: record(code, names) for label, code in self.codes.items()}

    def _turned(self, change=None):
        with self._turning:
            self._shown = self.values
            self.recordings = self._run(self._shown)
            svg = peaks_svg(self.recordings, self.say())
            self.picture.value = f'<div class="ow"><style>{STYLE}{CONTROLS}</style>{svg}</div>'
            words = escape(self.say(), quote=False)
            self.sentence.value = f'<div class="ow"><p class="sentence" aria-live="polite">{words}</p></div>'

    def html(self) -> str:
        """For readers without a kernel: the picture, the sentence, the first control's table."""
        words = escape(self.say(), quote=False)
        svg = peaks_svg(self.recordings, self.say())
        heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in (self._first, *self.codes))
        rows = "".join(
            f"<tr><td>{_label(value)}</td>"
            + "".join(f"<td>{escape(r.error) or size(r.peak)}</td>" for r in recordings.values())
            + "</tr>"
            for value, recordings in self._rows
        )
        return (
            f'<div class="ow"><img class="still" alt="{escape(self.say())}" src="{data_uri(svg)}">'
            f'<p class="sentence">{words}</p><table class="steps"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table><p>Run this cell to turn the knob.</p></div>"
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


def knob(codes: dict[str, str], **choices) -> Knob:
    """Show `codes` ({label: snippet}) under one control for each of `choices`.

    A list of numbers becomes a slider, any other list a menu; the value goes by that name
    into the snippets, which run again at every turn. Raises ValueError where there is no
    code, or nothing to choose from.

    >>> knob({"x = x + 1": "x = torch.ones(n)\\nx = x + 1"}, n=[1, 10]).turn(n=10)
    'n = 10:\\nx = x + 1 peaks at 80 B.'
    """
    if not isinstance(codes, dict) or not codes:
        raise ValueError('A knob needs snippets by label, as in {"x += 1": "x = torch.ones(n)\\nx += 1"}.')
    if not choices or not all(isinstance(values, (list, tuple, range)) and values for values in choices.values()):
        raise ValueError("A knob needs something to turn: give it a list, as in n=[1, 10, 100].")
    return Knob(codes, choices)


def _control(ipywidgets, name, values):
    options = [(_label(value), value) for value in values]
    numbers = all(isinstance(value, (int, float)) for value in values)
    kind = ipywidgets.SelectionSlider if numbers else ipywidgets.Dropdown
    width = ipywidgets.Layout(width="min(520px, 95%)" if numbers else "260px")
    return kind(options=options, value=values[0], description=name, layout=width)


def _label(value) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).removeprefix("torch.")
