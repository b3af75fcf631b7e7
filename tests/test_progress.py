"""The progress bar: it yields what it is given, it says how far it is, and a plain line stays."""

import ipywidgets
import pytest

from overwritten.lesson.progress import progress

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture()
def shown(monkeypatch):
    """What is displayed, and what it is replaced by."""
    bundles = []

    class Handle:
        def update(self, bundle, raw):
            bundles.append(bundle)

    def display(bundle, raw, display_id):
        bundles.append(bundle)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return bundles


def row_of(bundle):
    of_8 = vars(ipywidgets.widgets.widget).get("_instances")
    widgets = ipywidgets.Widget.widgets if of_8 is None else of_8
    return widgets[bundle[VIEW]["model_id"]]


def test_all_items_come_and_the_bar_counts_them(shown):
    seen = []
    for item in progress("abc", "reading"):
        row = row_of(shown[0])
        bar, words = row.children
        seen.append((item, bar.value, words.value))
    assert seen == [("a", 0, "0 of 3"), ("b", 1, "1 of 3"), ("c", 2, "2 of 3")]
    assert bar.description == "reading" and (bar.value, words.value) == (3, "3 of 3")
    assert row.comm is None and shown[1:] == [{"text/plain": "reading: 3 steps"}]


def test_it_goes_away_when_the_loop_breaks_off(shown):
    items = progress([1, 2], "reading")
    next(items)
    row = row_of(shown[0])
    items.close()
    assert row.comm is None and VIEW not in shown[1]


def test_without_a_length_there_is_no_bar():
    with pytest.raises(TypeError):
        next(progress(iter([1]), "reading"))
