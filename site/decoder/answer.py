"""What the front page asks of the package: a text in, what the decoder and the field guide say out.

It runs in the browser, in a Python without PyTorch; `PATTERNS` are laid beside it as data.
"""

import json
from pathlib import Path
from types import SimpleNamespace

from overwritten.doctor.reading import decode
from overwritten.lesson.shows.likest import cures, heading, likest
from overwritten.messages import parse

#: name, key (its address), group, says, cure, does and text (what it ends with) of each pattern.
PATTERNS = [SimpleNamespace(**one) for one in json.loads(Path("patterns.json").read_text("utf8"))]


def answer(text: str) -> str:
    """JSON: html, what is said of it; cards, of each message the heading and the patterns' keys."""
    decoded = decode(text)
    count = len(decoded.readings)
    nearest = [likest(reading, PATTERNS, _message_of) for reading in decoded.readings]
    cards = [
        [heading(place, count), [one.key for one in some]] for place, some in enumerate(nearest, 1)
    ]
    html = decoded.folded([*map(cures, nearest)])
    return json.dumps({"html": html, "cards": cards})


def _message_of(one):
    return parse(one.text)
