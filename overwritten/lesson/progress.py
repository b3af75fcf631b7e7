"""A progress bar for what takes seconds: `for step in progress(range(300), "training"):`.

The idea: an ipywidgets bar, because Colab, Binder and JupyterLab all show it and no stored
output depends on how fast the machine was. What stays at the end is a plain line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from overwritten.live.output import widget_view


def progress(items: Collection, label: str) -> Iterator:
    """The same items, one after the other, while a bar called `label` fills.

    items: anything that has a length. Raises TypeError where it has none.
    """
    import ipywidgets
    from IPython.display import display

    bar = ipywidgets.IntProgress(
        max=len(items), description=label, style={"description_width": "initial"}
    )
    words = ipywidgets.Label(f"0 of {len(items)}")
    row = ipywidgets.HBox([bar, words])
    stays = {"text/plain": f"{label}: {len(items)} steps"}
    shown = display(stays | widget_view(row), raw=True, display_id=True)
    try:
        for done, item in enumerate(items, 1):
            yield item
            bar.value, words.value = done, f"{done} of {len(items)}"
    finally:
        row.close()
        if shown:  # None outside a notebook
            shown.update(stays, raw=True)
