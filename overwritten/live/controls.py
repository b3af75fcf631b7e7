"""The ipywidgets controls of a knob: which kind for which values, how they are labelled, their look.

The idea: numbers get a slider, everything else a menu; both turn over a list of values.
"""

from __future__ import annotations

STYLE_OF_CONTROLS = """
.ow-knob{--ow-hand:#0072b2}body[data-jp-theme-light="false"] .ow-knob{--ow-hand:#56b4e9}
.ow-knob :is(.noUi-handle,.ui-slider-handle){background:var(--ow-hand);border-color:var(--ow-hand)}
.ow-knob :is(.noUi-target,.ui-slider){background:#767676}
.ow-knob select{border:1px solid #767676}
.ow-knob :is(.widget-html,.widget-html-content){min-width:0}
.ow-knob :is(.noUi-handle,.ui-slider-handle,select,button):focus-visible{outline:3px solid var(--ow-hand);outline-offset:2px}
"""


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
