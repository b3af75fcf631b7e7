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
from overwritten.live.output import CONTROLS, for_script, name_of, once
from overwritten.pictures.draw import STYLE

#: °C at which the next of 16 colours begins, and the colours, cold to hot.
_EDGES = (10, 19.2, 19.8, 20.4, 21.0, 24, 26, 28, 30, 31, 32, 33, 35, 38, 45)
_COLOURS = "0a2a6b 101020 181228 20142f 281636 301a3e 4a1f5c 651f63 8a2a5e a53a4f bd4c3f d06230 e07c22 ec9a1b f5bd2e fff6c8".split()


class Player:
    """Clips that play, with boxes and actions; for a notebook, with or without a kernel.

    clips: of `make_clips`. predicted: for each clip, for each person a list of actions.
    """

    def __init__(self, clips, predicted):
        self.clips = [
            {
                "frames": frames_png(clip.frames),
                "boxes": [
                    [round(v, 1) for v in corners]
                    for corners in yolo_to_corners(clip.boxes, WIDTH, HEIGHT).tolist()
                ],
                "words": [_words(*pair) for pair in zip(said, map(names_of, unpack(clip.packed)))],
            }
            for clip, said in zip(clips, predicted)
        ]

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
            for c, clip in enumerate(self.clips, 1)
            for p, words in enumerate(clip["words"], 1)
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
        plain = "\n".join(
            f"clip {c}, person {p}: {w}"
            for c, clip in enumerate(self.clips, 1)
            for p, w in enumerate(clip["words"], 1)
        )
        return {"text/html": self.html(), "text/plain": plain}


def _sentence(clip):
    return " ".join(f"Person {n}: {words}." for n, words in enumerate(clip["words"], 1))


def _words(said, true):
    words = ", ".join(said) or "nothing"
    if said == true:
        return f"{words} ✓ as labelled"
    missed, wrong = [a for a in true if a not in said], [a for a in said if a not in true]
    return f"{words} ✗ {'missed: ' + ', '.join(missed) if missed else ''}{'; ' if missed and wrong else ''}{'wrong: ' + ', '.join(wrong) if wrong else ''}"


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
    stored = (
        b"\x78\x01\x01"
        + size
        + bytes(255 - b for b in size)
        + raw
        + zlib.adler32(raw).to_bytes(4, "big")
    )
    head = (FRAMES * WIDTH).to_bytes(4, "big") + HEIGHT.to_bytes(4, "big") + bytes([4, 3, 0, 0, 0])
    chunks = {
        b"IHDR": head,
        b"PLTE": bytes.fromhex("".join(_COLOURS)),
        b"IDAT": stored,
        b"IEND": b"",
    }
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks.items()
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()


_LOOK = """
.ow .screen svg{width:min(480px,100%);image-rendering:pixelated}
.ow .screen .still{margin:0 0 4px}.ow .screen .still{image-rendering:pixelated}
.ow .screen rect{fill:none;stroke:#fff;stroke-width:.35}
.ow .screen text{fill:#fff!important;font:700 3px sans-serif!important;paint-order:stroke;stroke:#000;stroke-width:.8px}
.ow .steps caption{text-align:left;font-weight:600;padding:3px 0}
.ow .steps td:nth-last-child(-n+2){white-space:normal!important;text-align:left!important}
.ow .controls select{font:inherit;color:inherit;background:var(--ow-paper);border:1px solid var(--ow-line);border-radius:4px;min-height:28px}
"""
#: Nothing moves unless a hand moves it or presses play; with reduced motion there is no play.
_SCRIPT = """
const KEYS = { 'data-lm-suppress-shortcuts': 'true' };
function make(tag, attributes, ...inside) {
  const svg = ['svg', 'rect', 'text'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...inside);
  return element;
}
const screen = root.querySelector('.screen'), stills = [...screen.querySelectorAll('img')].map(still => still.src);
const said = make('p', { class: 'sentence', 'aria-live': 'polite' });
const clip = make('select', { 'aria-label': 'clip', ...KEYS }, ...clips.map((c, n) => make('option', { value: n }, `clip ${n + 1}`)));
const slider = make('input', { type: 'range', min: 0, max: FRAMES - 1, 'aria-label': 'frame', ...KEYS });
const play = make('button', { type: 'button', class: 'word', ...KEYS }, 'play');
const count = make('output', { 'aria-live': 'off' });
let timer = 0;
function show(frame) {
  const { boxes, words } = clips[clip.value];
  slider.value = frame;
  const what = words.map((w, n) => `Person ${n + 1}: ${w}.`).join(' ');
  const svg = make('svg', { viewBox: '0 0 60 40', role: 'img', 'aria-label': `Clip ${Number(clip.value) + 1}, frame ${frame + 1} of ${FRAMES}. ${what}` });
  svg.style.background = `url(${stills[clip.value]}) ${(100 * frame) / (FRAMES - 1)}% 0 / ${100 * FRAMES}% 100% #101020`;
  boxes.forEach(([a, b, c, d], n) => svg.append(make('rect', { x: a, y: b, width: c - a, height: d - b }), make('text', { x: a + 0.7, y: b + 3.4 }, n + 1)));
  screen.replaceChildren(svg);
  count.textContent = `frame ${frame + 1} of ${FRAMES}`;
  slider.setAttribute('aria-valuetext', count.textContent);
  if (said.textContent !== what) said.textContent = what;
}
function pause() {
  clearInterval(timer);
  timer = 0;
  play.textContent = 'play';
}
play.onclick = () => {
  if (timer) return pause();
  play.textContent = 'pause';
  timer = setInterval(() => (root.isConnected ? show((Number(slider.value) + 1) % FRAMES) : pause()), 250);
};
slider.oninput = () => { pause(); show(Number(slider.value)); };
clip.onchange = () => show(0);
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
screen.before(make('div', { role: 'group', 'aria-label': 'Play a clip', class: 'controls' }, clip, slider, ...(calm ? [] : [play]), count));
screen.after(said);
show(0);
"""
