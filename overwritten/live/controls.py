"""The ipywidgets controls of a knob: which kind for which values, their labels and their look.

The idea: numbers get a slider, everything else a menu; both turn over a list of values.
"""

from __future__ import annotations

from overwritten.live.output import asset

#: So many controls stand one below the other; more stand in two columns where there is room.
FEW = 3
STYLE_OF_CONTROLS = "\n" + asset("widgets.css")


def control(name: str, values: list):
    """A slider or a menu over `values`, the first one set."""
    import ipywidgets

    slider = is_slider(values)
    kind = ipywidgets.SelectionSlider if slider else ipywidgets.Dropdown
    width = ipywidgets.Layout(width="min(520px, 95%)" if slider else "min(420px, 95%)")
    return kind(
        options=[(label(value), value) for value in values],
        value=values[0],
        description=name,
        layout=width,
    )


def arranged(controls: list):
    """The box of a knob's controls: one below the other, or in two columns where they are many."""
    import ipywidgets

    box = ipywidgets.Box(controls)
    box.add_class("ow-many" if len(controls) > FEW else "ow-few")
    return box


def is_slider(values: list) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def label(value) -> str:
    """As it stands beside the control and in the sentence.

    >>> label(10_000), label("x += 1"), label(True)
    ('10,000', 'x += 1', 'True')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).removeprefix("torch.")
