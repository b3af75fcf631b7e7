"""The README's moving picture: the film of one recording as an animated SVG, light and dark.

The idea: a README runs no script, but a picture in it may hold a style sheet. Each step is a
group that the style sheet shows in its turn. It plays three times and rests on the last step; who
has asked the system for less motion sees the last step at once.
"""

from __future__ import annotations

from html import escape

CODE = """
x = torch.ones(4, requires_grad=True)
y = x.exp()
w = y.detach()
w[1:3].add_(1)
y.sum().backward()
"""
SECONDS, ROUNDS, BAR = 2.4, 3, 34
PAPERS = {
    "light": "--ow-ink:#1b1b1b;--ow-soft:#555;--ow-paper:#fff;--ow-line:#767676;"
    "--ow-new:rgba(0,114,178,.16);--ow-bad:#a52308;--ow-badfill:rgba(212,61,26,.13);--ow-good:#00694f",
    "dark": "--ow-ink:#e6edf3;--ow-soft:#b5b5b5;--ow-paper:#0d1117;--ow-line:#8b949e;"
    "--ow-new:rgba(86,180,233,.32);--ow-bad:#ffb8a0;--ow-badfill:rgba(255,138,102,.18);--ow-good:#4fd6b0",
}


def films() -> dict[str, str]:
    """{file name: SVG} for both themes."""
    from overwritten.pictures.step import step_pictures
    from overwritten.pictures.words import sentence
    from overwritten.record.recorder import record

    recording = record(CODE)
    said = sentence(recording, len(recording.steps) - 1)
    pictures = [one.whole() for one in step_pictures(recording)[1:]]  # step 0 is an empty page
    return {f"README_{theme}.svg": film(pictures, said, theme) for theme in PAPERS}


def film(pictures: list, label: str, theme: str) -> str:
    """One SVG that shows the pictures one after the other, under a bar that says which."""
    from overwritten.pictures.picture import INSIDE

    last, width = len(pictures) - 1, pictures[0].width
    height = max(picture.height for picture in pictures) + BAR
    turn = f"{100 / len(pictures):.3f}%"
    style = (
        INSIDE
        + f".ow{{{PAPERS[theme]}}}.frame{{visibility:hidden}}"
        + ".frame:last-of-type{visibility:visible}"
        + "@media (prefers-reduced-motion:no-preference){"
        + f".frame{{animation:turn {SECONDS * len(pictures)}s step-end {ROUNDS}}}"
        + "".join(f".f{k}{{animation-delay:{SECONDS * k}s}}" for k in range(1, last))
        + f".frame:last-of-type{{animation:last {SECONDS * len(pictures)}s step-end {ROUNDS}}}"
        + f"@keyframes turn{{from{{visibility:visible}}{turn}{{visibility:hidden}}}}"
        + f"@keyframes last{{from{{visibility:hidden}}{100 - 100 / len(pictures):.3f}%"
        + "{visibility:visible}}}"
    )
    frames = "".join(
        f'<g class="frame f{k}">{_bar(k + 1, last + 1)}'
        f'<g transform="translate(0 {BAR})">{"".join(picture.body)}</g></g>'
        for k, picture in enumerate(pictures)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}"'
        f' role="img" aria-label="{escape(label)}"><style>{style}</style>'
        f'<g class="ow"><rect width="100%" height="100%" rx="6" style="fill:var(--ow-paper)"/>'
        f"{frames}</g></svg>\n"
    )


def _bar(step, last):
    """The film's slider, as it stands at this step."""
    from overwritten.pictures.draw import text

    left, wide = 20, 420
    x = left + wide * (step - 1) / (last - 1)
    return (
        f'<path d="M{left} 17H{left + wide}"'
        ' style="stroke:var(--ow-line);stroke-width:4;stroke-linecap:round"/>'
        f'<circle cx="{x:g}" cy="17" r="8"'
        ' style="fill:#0072b2;stroke:var(--ow-paper);stroke-width:2"/>'
        + text(left + wide + 20, 22, f"step {step} of {last}", "soft")
    )
