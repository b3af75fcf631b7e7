"""The decoder: a field to paste an error into, and under it what `overwritten.doctor.reading` says.

The idea: the text stays in the browser's own field, so nothing typed is lost while a cell
runs; every change of it is read anew, which takes a moment and runs no code of the learner's.
"""

from __future__ import annotations

from overwritten.doctor.reading import Decoded, decode
from overwritten.live.controls import STYLE_OF_CONTROLS
from overwritten.live.output import widget_view

_FIELD = ".ow-knob textarea{border:1px solid #767676}"
#: What the learner typed last: it stands there again when the cell runs again.
_typed: list[str] = []


class Decoder:
    """A field to paste an error into, and what `read` says of it. field: the Textarea."""

    def __init__(self, text: str = "", read=decode):
        import ipywidgets

        self.field = ipywidgets.Textarea(
            value=_typed[-1] if _typed else text,
            description="Error text",
            placeholder="Paste an error here, or a whole traceback",
            layout=ipywidgets.Layout(width="min(720px, 98%)", height="150px"),
        )
        self.result = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.field, self.result])
        self.box.add_class("ow-knob")
        self._by_us, self._read = False, read
        self._show()
        self.field.observe(self._changed, "value")

    @property
    def decoded(self) -> Decoded:
        """What is shown."""
        return self._read(self.field.value)

    def paste(self, text: str) -> Decoded:
        """Put `text` into the field as a hand would; return what is then shown."""
        self._by_us = True
        try:
            self.field.value = text
        finally:
            self._by_us = False
        return self.decoded

    def _changed(self, change):
        if not self._by_us:
            _typed[:] = [self.field.value] if self.field.value.strip() else []
        self._show()

    def _show(self):
        said = self.decoded.html() if self.field.value.strip() else ""
        self.result.value = f"<style>{STYLE_OF_CONTROLS}{_FIELD}</style>{said}"

    def _ipython_display_(self):
        from IPython.display import display

        still = f"{self.decoded.html()}<p>Run this cell to paste an error of your own.</p>"
        words = {"text/plain": str(self.decoded), "text/html": still}
        display(words | widget_view(self.box), raw=True)


def decoder(text: str = "", read=decode) -> Decoder:
    """A field for an error text; `text` stands in it until something is typed.

    read: function(text) → `Decoded`, for what is shown under the field.

    >>> from overwritten.doctor.reading import NO_MESSAGE
    >>> decoder().paste("nothing of the kind").sorry == NO_MESSAGE
    True
    """
    return Decoder(text, read)
