"""A player for clips: frames, boxes and actions, in a notebook with or without a kernel.

The idea: all frames of a clip lie side by side in one small picture; a few lines of script
show one after the other and draw the boxes over it. Without scripts the pictures and a table
of all that is predicted remain.
"""

from __future__ import annotations

import base64
import zlib
from html import escape

import numpy as np

from overwritten.cases.slowfast_data import FRAMES, HEIGHT, WIDTH, names_of, unpack, yolo_to_corners
from overwritten.live.output import CONTROLS, asset, for_script, name_of, once
from overwritten.pictures.draw import STYLE

_LOOK = "\n" + asset("player.css", "lesson/shows")
#: Nothing moves unless a hand moves it or presses play; with reduced motion there is no play.
_SCRIPT = "\n" + asset("player.js", "lesson/shows")
#: °C at which the next of 16 colours begins, and the colours, cold to hot.
_EDGES = (10, 19.2, 19.8, 20.4, 21.0, 24, 26, 28, 30, 31, 32, 33, 35, 38, 45)
_COLOURS = "0a2a6b 101020 181228 20142f 281636 301a3e 4a1f5c 651f63 8a2a5e a53a4f bd4c3f d06230 e07c22 ec9a1b f5bd2e fff6c8".split()


class Player:
    """Clips that play, with boxes and actions; for a notebook, with or without a kernel.

    clips: of `make_clips`. predicted: for each clip, for each person a list of actions.
    """

    def __init__(self, clips, predicted):
        self.clips = []
        for clip, said in zip(clips, predicted):
            corners = yolo_to_corners(clip.boxes, WIDTH, HEIGHT).tolist()
            boxes = [[round(v, 1) for v in corner] for corner in corners]
            words = [_words(*pair) for pair in zip(said, map(names_of, unpack(clip.packed)))]
            frames = frames_png(clip.frames)
            self.clips.append({"frames": frames, "boxes": boxes, "words": words})

    def html(self) -> str:
        shown = [{key: clip[key] for key in ("boxes", "words")} for clip in self.clips]
        data = for_script(shown)
        stills = "".join(
            f'<img class="still" alt="Clip {c}, all its frames. {escape(_sentence(clip))}" src="{clip["frames"]}">'
            for c, clip in enumerate(self.clips, 1)
        )
        name = name_of(data + stills)
        rows = "".join(
            f"<tr><td>{c}</td><td>{p}</td><td>{escape(words, quote=False)}</td></tr>"
            for c, p, words in self._said()
        )
        constants = f"const clips = {data}, FRAMES = {FRAMES};\n"
        script = once(f'[data-player="{name}"]', _SCRIPT, constants)
        return (
            f'<div class="ow" data-player="{name}"><style>{STYLE}{CONTROLS}{_LOOK}</style><div class="screen">{stills}</div>'
            f'<table class="steps"><caption>What the network says of each person, and the label</caption><thead><tr><th scope="col">clip</th>'
            f'<th scope="col">person</th><th scope="col">predicted actions</th></tr></thead><tbody>{rows}</tbody></table>'
            f"<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        plain = "\n".join(f"clip {c}, person {p}: {words}" for c, p, words in self._said())
        return {"text/html": self.html(), "text/plain": plain}

    def _said(self):
        for c, clip in enumerate(self.clips, 1):
            for p, words in enumerate(clip["words"], 1):
                yield c, p, words


def _sentence(clip):
    return " ".join(f"Person {n}: {words}." for n, words in enumerate(clip["words"], 1))


def _words(said, true):
    words = ", ".join(said) or "nothing"
    if said == true:
        return f"{words} ✓ as labelled"
    faults = {
        "missed": [action for action in true if action not in said],
        "wrong": [action for action in said if action not in true],
    }
    told = "; ".join(f"{what}: {', '.join(actions)}" for what, actions in faults.items() if actions)
    return f"{words} ✗ {told}"


def frames_png(frames) -> str:
    """[8, 40, 60] in °C → a PNG of all frames side by side, 16 colours, as a data URI.

    It is written by hand and not compressed: the same bytes with every zlib.
    """
    levels = (frames[..., None] >= np.array(_EDGES)).sum(-1)
    rows = levels.transpose(1, 0, 2).reshape(HEIGHT, FRAMES * WIDTH)
    raw = b"".join(
        b"\0" + bytes(int(a) << 4 | int(b) for a, b in zip(row[::2], row[1::2])) for row in rows
    )
    size = len(raw).to_bytes(2, "little")
    begin = b"\x78\x01\x01" + size + bytes(255 - b for b in size)
    stored = begin + raw + zlib.adler32(raw).to_bytes(4, "big")
    head = (FRAMES * WIDTH).to_bytes(4, "big") + HEIGHT.to_bytes(4, "big") + bytes([4, 3, 0, 0, 0])
    colours = bytes.fromhex("".join(_COLOURS))
    chunks = {b"IHDR": head, b"PLTE": colours, b"IDAT": stored, b"IEND": b""}
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks.items()
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()
