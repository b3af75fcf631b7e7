"""The knob: ipywidgets controls whose values go into real code that runs again.

The idea: a change of a control runs the snippets anew in a recording of their own, and
only the finished picture and sentence travel to the front end.
It uses no `interact` and no `Output`; it touches no tensor of the learner's, so it does
not matter in which thread the front end's message lands.
"""

from __future__ import annotations

import itertools
import math
from html import escape

from overwritten.live.controls import STYLE_OF_CONTROLS, arranged, control, is_slider, label
from overwritten.live.newest import Newest
from overwritten.live.output import CONTROLS, widget_view
from overwritten.live.scenes import SCENES, Scene
from overwritten.live.stored import Stored
from overwritten.live.turns import Turns
from overwritten.pictures.draw import STYLE

#: So many positions are all recorded ahead; where there are more, those of the first control.
FEW = 32
#: Recording ahead ends with a position that takes so many seconds of the processor, or after
#: so many in all: what is stored must not hang on how busy a machine is.
ONE_AHEAD, ALL_AHEAD = 2, 20
#: A front end gets its answer fastest within its own message: a message that comes later
#: waits for the network's acknowledgement of the last one (about 40 ms).
LINGER = 0.03


class Knob:
    """Code under controls, and a scene of what it does (see `overwritten.live.scenes`).

    controls: {name: ipywidgets control}. Whoever moves one need not wait: the code runs in a
    thread of its own. Whoever reads `scene` or calls `turn`, `say` or `html` waits for it.
    Where the page has the position already, it does not wait at all (see `knob.js`).
    """

    def __init__(self, program, show, choices: dict[str, list]):
        import ipywidgets

        self._program, self._scene_of = program, show if callable(show) else SCENES[show]
        self._choices = {name: list(values) for name, values in choices.items()}
        self.controls = {name: control(name, values) for name, values in self._choices.items()}
        self.picture, self.sentence = ipywidgets.HTML(), ipywidgets.HTML()
        self._stop = ipywidgets.Button(description="Stop", layout=ipywidgets.Layout(display="none"))
        # not beside every picture: for each new style sheet the page looks at all it holds
        style = f"<style>{STYLE}{CONTROLS}{STYLE_OF_CONTROLS}</style>"
        look = ipywidgets.HTML(style, layout=ipywidgets.Layout(display="none"))
        turned = arranged([*self.controls.values()])
        self.box = ipywidgets.VBox([look, turned, self.picture, self.sentence, self._stop])
        self.box.add_class("ow-knob")
        self.picture.add_class("ow-drawn")
        self.sentence.add_class("ow-said")
        self._newest = Newest(self._run, self._show, self._fail, self._late)
        self._shown, self._tallest, self._by_us = None, 0, False
        self._record_ahead()
        for turned in self.controls.values():
            turned.observe(self._turned, "index")
        self._stop.on_click(lambda button: self._newest.stop())

    @property
    def values(self) -> dict:
        """What the controls are set to now."""
        return self._values(self._position())

    @property
    def scene(self) -> Scene:
        """What is shown."""
        self._newest.wait()
        return self._newest.kept[self._shown]

    @property
    def recordings(self) -> dict:
        """{label: Recording} of what is shown."""
        return self.scene.recordings

    def turn(self, **values) -> str:
        """Set controls as a hand would; return the sentence then shown.

        For a control or a value that is not there nothing turns; the sentence says so.
        If the knob's function raises, the controls go back and its error is raised.
        """
        if unknown := self._unknown(values):
            return unknown
        with self._newest.lock:
            self._set({name: self._choices[name].index(value) for name, value in values.items()})
            asked = self._newest.ask(self._position())
        if error := self._newest.wait(asked):
            raise error
        return self.say()

    def compare(self, **values) -> Turns:
        """A few positions side by side; the controls and what they show stay as they are.

        A list holds a value for each row; a value that stands alone, or a control's first one
        where it is not named, holds for all rows. Raises ValueError for lists of several
        lengths and for a control or a value that is not there, and what a run fails with.
        """
        lengths = {len(value) for value in values.values() if isinstance(value, list)} or {1}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError("Lists to compare must be equally long, with a value for each row.")
        keys = []
        for row in range(*lengths):
            chosen = {k: v[row] if isinstance(v, list) else v for k, v in values.items()}
            if unknown := self._unknown(chosen):
                raise ValueError(unknown)
            places = {k: self._choices[k].index(v) for k, v in chosen.items()}
            keys.append(tuple(places.get(name, 0) for name in self._choices))
        for key in keys:
            if key not in self._newest.kept and (
                error := self._newest.wait(self._newest.keep(key))
            ):
                raise error
        scenes = [self._newest.kept[key] for key in keys]
        return Turns([*map(self._labels, keys)], [*map(self._words, keys)], scenes)

    def say(self) -> str:
        """What the picture shows, in words."""
        self._newest.wait()
        return self._words(self._shown)

    def html(self) -> str:
        """For readers without a kernel: the picture, the sentence and what was recorded ahead."""
        return self._stored().still

    def _stored(self):
        self._newest.wait()
        kept, ahead = self._newest.kept, self._positions()
        scenes = {key: kept[key] for key in [*ahead, self._shown] if key in kept}
        whole = len(ahead) == math.prod(map(len, self._choices.values()))
        chosen = len(self.controls) if whole else 1
        controls = [
            (name, [*map(label, values)], is_slider(values))
            for name, values in self._choices.items()
        ]
        words = {key: self._words(key) for key in scenes}
        return Stored(controls, chosen, scenes, words, self._shown)

    def _ipython_display_(self):
        from IPython.display import display

        stored = self._stored()
        self.box.add_class(f"ow-{stored.name}")  # so that the script finds it
        words = {"text/plain": self.say(), "text/html": stored.still}
        display(words | widget_view(self.box), raw=True)  # a front end shows the richest it can
        display({"text/html": stored.script}, raw=True)

    def _positions(self):
        """What is recorded ahead, each as the place of every control's value among its choices."""
        lengths = [len(values) for values in self._choices.values()]
        if math.prod(lengths) <= FEW:
            return list(itertools.product(*map(range, lengths)))
        return [(place, *[0] * (len(lengths) - 1)) for place in range(lengths[0])]

    def _record_ahead(self):
        first, spent = self._position(), 0.0
        for key in self._positions():
            asked = self._newest.keep(key)
            error = self._newest.wait(asked)
            if error and key == first:
                raise error
            spent += asked.seconds
            slow = key != first and asked.seconds > ONE_AHEAD  # the first one warms PyTorch up
            if slow or spent > ALL_AHEAD:
                break
        self._newest.ask(first)

    def _unknown(self, values):
        for name, value in values.items():
            if name not in self.controls:
                return f"There is no control {name!r} here, only {', '.join(self.controls)}."
            if value not in self._choices[name]:
                others = ", ".join(map(label, self._choices[name]))
                return f"{name} cannot be {label(value)}; choose one of {others}."
        return ""

    def _position(self):
        return tuple(one.index for one in self.controls.values())

    def _set(self, places):
        self._by_us = True
        try:
            for name, place in places.items():
                self.controls[name].index = place
        finally:
            self._by_us = False

    def _values(self, key):
        return {name: values[place] for (name, values), place in zip(self._choices.items(), key)}

    def _labels(self, key):
        return {name: label(value) for name, value in self._values(key).items()}

    def _where(self, key):
        return ", ".join(f"{name} = {words}" for name, words in self._labels(key).items())

    def _words(self, key):
        return f"{self._where(key)}:\n{self._newest.kept[key].words}"

    # what Newest calls

    def _run(self, key):
        values = self._values(key)
        codes = self._program(**values) if callable(self._program) else self._program
        if isinstance(codes, str):
            codes = {"code": codes}
        by_label = isinstance(codes, dict) and codes
        if not by_label or not all(isinstance(code, str) for code in codes.values()):
            raise ValueError(
                "A knob's function must return code as text, or a dict of such texts by label."
            )
        return self._scene_of(codes, values)

    def _turned(self, change):
        with self._newest.lock:
            if self._by_us:
                return
            asked = self._newest.ask(self._position())
        asked.over.wait(LINGER)

    def _show(self, key, scene):
        self._shown = key
        self._tallest = max(self._tallest, scene.picture.height)
        room = f"min-height:{self._tallest:g}px"  # what stands below must not jump
        view = f'<div class="view">{scene.picture.svg()}</div>'
        self.picture.value = f'<div class="ow"{self._at()} style="{room}">{view}</div>'
        self._say(self._words(key))

    def _fail(self, key, error):
        if self._shown is None:
            return
        if self._position() == key:
            self._set(dict(zip(self.controls, self._shown)))
        why = f"Stopped: {self._where(key)} did not run to its end"
        if error:
            why = f"{self._where(key)} cannot be shown: {type(error).__name__}: {error}"
        self._say(f"{why.rstrip('.')}. Shown is {self._words(self._shown)}")

    def _late(self, key):
        if self._shown is not None:
            still = f"The picture still shows {self._where(self._shown)}."
            self._say(f"Running {self._where(key)} … {still}", stop=True)

    def _say(self, words, stop=False):
        said = f'<p class="sentence">{escape(words, quote=False)}</p>'
        self.sentence.value = f'<div class="ow"{self._at()}>{said}</div>'
        self._stop.layout.display = None if stop else "none"

    def _at(self):
        """For the page: the position of which picture and sentence are."""
        return f' data-at="{",".join(map(str, self._shown))}"'


def knob(program, show="peaks", **choices) -> Knob:
    """Show code under one control for each of `choices`.

    program: {label: snippet}, or a function that takes the choices by name and returns code
    as text or such a dict. A list of numbers becomes a slider, any other list a menu; the
    value goes by that name into the snippets too, which run again at every turn.
    show: 'peaks' (bytes line by line), 'lanes' (versions, saves and checks over time), 'beside'
    (the lanes of all codes but the twin), 'gradients' (beside the true ones) or a function
    (codes, values) → Scene. With two codes or more the last is the out-of-place twin: the
    others' verdicts come from it. Raises ValueError where there is no code, nothing to choose
    from, or nothing of that name to show.

    >>> knob({"x = x + 1": "x = torch.ones(n)\\nx = x + 1"}, n=[1, 10]).turn(n=10)
    'n = 10:\\nx = x + 1 peaks at 80 B.'
    """
    if not callable(program) and (not isinstance(program, dict) or not program):
        raise ValueError(
            'A knob needs snippets by label, as in {"x += 1": "x = torch.ones(n)\\nx += 1"}, '
            "or a function that returns them."
        )
    if not callable(show) and show not in SCENES:
        raise ValueError(f"A knob can show {', '.join(map(repr, SCENES))}, not {show!r}.")
    if not choices or not all(
        isinstance(values, (list, tuple, range)) and values for values in choices.values()
    ):
        raise ValueError("A knob needs something to turn: give it a list, as in n=[1, 10, 100].")
    return Knob(program, show, choices)
