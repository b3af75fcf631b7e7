"""The lessons for everyone: axe-core's rules, contrast within pictures, zoom, keyboard, focus."""

import pytest
from axe_playwright_python.sync_playwright import Axe

light = pytest.mark.parametrize(
    "look", [False], ids=["light"], indirect=True
)  # a layout knows no theme
# What the course itself draws; the rest of the page is JupyterLab's.
OURS = [".ow", ".ow-ask", ".ow-help", ".widget-vbox"]
OURS = [f".jp-OutputArea-output {ours}" for ours in OURS[:3]] + OURS[3:]
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
OPEN = """async opened => {
  document.querySelectorAll('.jp-OutputArea-output details').forEach(d => { d.open = opened; });
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);  // what watches sizes has seen it
}"""
# Films show the steps or the lanes.
VIEW = """async lanes => {
  document.querySelectorAll(`.ow button[aria-pressed=${!lanes}]`).forEach(b => b.click());
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}"""
# Text on what is drawn below it; strokes and solid fills beside what they touch. A tint alone says nothing:
# an outline, a sign or a word always goes with it.
CONTRAST = """() => {
  const rgba = words => {  // 'rgb(27, 27, 27)', or of a mixture 'color(srgb 0.1 0.1 0.1 / 0.76)'
    const n = words.match(/[\\d.]+(e-\\d+)?/g).map(Number), most = words.startsWith('color(') ? 255 : 1;
    return [...n.slice(0, 3).map(part => part * most), n[3] ?? 1];
  };
  const over = (top, under, part = 1) => [0, 1, 2].map(i => top[i] * top[3] * part + under[i] * (1 - top[3] * part));
  const light = colour => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const v = colour[i] / 255;
    return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const paper = element => {
    const layers = [];
    for (; element; element = element.parentElement) layers.unshift(rgba(getComputedStyle(element).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const opacity = (element, svg) => element === svg ? 1 : getComputedStyle(element).opacity * opacity(element.parentElement, svg);
  const poor = [];
  let judged = 0;
  const judge = (what, colour, part, behind, least) => {
    const found = ratio(over(colour, behind, part), behind);
    judged += 1;
    if (found < least) poor.push(`${what}: ${found.toFixed(2)}`);
  };
  for (const svg of document.querySelectorAll('.ow svg')) {
    if (!svg.checkVisibility()) continue;
    const back = paper(svg), below = [];
    const under = (x, y) => below.reduce((c, s) => s.holds(x, y) ? over(s.fill, c, s.part) : c, back);
    for (const e of svg.querySelectorAll('rect, path, text')) {
      const look = getComputedStyle(e), r = e.getBoundingClientRect(), part = opacity(e, svg);
      const y = r.top + r.height / 2, behind = under(r.left + r.width / 2, y), what = `${e.tagName} .${e.getAttribute('class')} ${e.textContent}`;
      if (e.tagName === 'text') {
        if (e.textContent.trim()) for (const at of [0.1, 0.5, 0.9]) judge(what, rgba(look.fill), part, under(r.left + at * r.width, y), 4.5);
        continue;
      }
      const fill = look.fill === 'none' ? null : rgba(look.fill);
      if (look.stroke !== 'none' && !e.classList.contains('gap')) {
        judge(what, rgba(look.stroke), part, behind, 3);
        if (fill && look.fill !== look.stroke) judge(what, rgba(look.stroke), part, over(fill, behind, part), 3);
      } else if (fill && fill[3] > 0.5) judge(what, fill, part, behind, 3);
      const local = e.getScreenCTM().inverse();
      if (fill) below.push({ fill, part, holds: (x, y) => e.isPointInFill(new DOMPoint(x, y).matrixTransform(local)) });
    }
  }
  for (const e of document.querySelectorAll('.ow :is(button, input[type=search], select), .ow-knob select, .ow-ask details, .ow-help :is(details, button)')) {
    const line = rgba(getComputedStyle(e).borderTopColor);
    if (e.checkVisibility()) judge(`border of ${e.tagName}`, line, 1, paper(e.parentElement), 3);
  }
  return [judged, [...new Set(poor)]];
}"""
TO_STEP = """step => {
  let more = false;
  for (const slider of document.querySelectorAll('.ow[data-film] input[type=range]')) {
    slider.value = step;
    slider.dispatchEvent(new Event('input'));
    more ||= step < Number(slider.max);
  }
  return more;
}"""
# What sticks out of the output it stands in; what is wider may scroll in a region that the keyboard reaches.
LOST = """ours => [...document.querySelectorAll(ours)].filter(e => e.checkVisibility()).flatMap(root => {
  const edge = root.closest('.jp-OutputArea-output').getBoundingClientRect();
  const scrolls = e => e !== root && (/auto|scroll/.test(getComputedStyle(e).overflowX) && e.tabIndex === 0 || scrolls(e.parentElement));
  return [...root.querySelectorAll('*')].filter(e => {
    const r = e.getBoundingClientRect();
    return r.width && (r.right > edge.right + 1 || r.left < edge.left - 1) && !scrolls(e) && !e.closest('.noUi-base');
  }).map(e => `${e.tagName} .${e.getAttribute('class')} ${e.textContent.slice(0, 30)}`);
})"""
CLIPPED = """() => [...document.querySelectorAll('.ow svg')].filter(svg => svg.checkVisibility()).flatMap(svg => {
  const edge = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(t => {
    const r = t.getBoundingClientRect();
    return r.left < edge.left - 1 || r.right > edge.right + 1 || r.bottom > edge.bottom + 1;
  }).map(t => t.textContent);
})"""
SMALL = """() => [...document.querySelectorAll('.ow svg text')].filter(t => t.checkVisibility()).map(t => {
  const svg = t.ownerSVGElement;
  return [parseFloat(getComputedStyle(t).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width, t.textContent];
}).filter(([size]) => size < 11)"""
# Words that lie on more than one line although one would hold them.
BROKEN = """() => [...document.querySelectorAll('.jp-OutputArea-output :is(pre, td, p, li)')].filter(e => e.checkVisibility()).flatMap(e => {
  const room = e.clientWidth - 8, texts = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), broken = [];
  while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[\\w.]+/g)) {
    const range = document.createRange();
    range.setStart(texts.currentNode, word.index);
    range.setEnd(texts.currentNode, word.index + word[0].length);
    const parts = [...range.getClientRects()].filter(r => r.width > 1);
    const wide = parts.reduce((sum, r) => sum + r.width, 0);
    if (new Set(parts.map(r => Math.round(r.top))).size > 1 && wide < room) broken.push(word[0]);
  }
  return broken;
})"""
CONTROLS = "button, input, select, summary, [tabindex='0'], [contenteditable=true]"
REACHED = """([output, controls]) => {
  const all = [...output.querySelectorAll(controls)].filter(e => e.checkVisibility() && !e.disabled);
  const look = getComputedStyle(document.activeElement);
  return [all.length, all.indexOf(document.activeElement), look.outlineStyle === 'none' ? 0 : parseFloat(look.outlineWidth)];
}"""


@pytest.fixture(params=[False, True], ids=["steps", "lanes"])
def opened(request, look):
    """The look with all that can be opened open, its films in either view."""
    look.page.evaluate(OPEN, True)
    look.page.evaluate(VIEW, request.param)
    yield look
    look.page.evaluate(VIEW, False)
    look.page.evaluate(OPEN, False)


def test_axe(opened):
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    found = Axe().run(opened.page, {"include": [[ours] for ours in OURS]}, options).response
    told = [
        f"{v['id']}: {n['html'][:200]} {n['failureSummary']}"
        for v in found["violations"]
        for n in v["nodes"]
    ]
    assert told == [], "\n".join(told)


def test_contrast(opened):
    step, more = 0, True
    while more:
        more = opened.page.evaluate(TO_STEP, step)
        judged, poor = opened.page.evaluate(CONTRAST)
        assert judged > 100 and poor == []
        step += 1


def all_is_there(look, name):
    look.page.evaluate(OPEN, True)
    for lanes in (False, True):
        look.page.evaluate(VIEW, lanes)
        lost = look.page.evaluate(LOST, ", ".join(OURS))
        clipped, small = look.page.evaluate(CLIPPED), look.page.evaluate(SMALL)
        wide = look.page.locator(".jp-WindowedPanel-outer").first.evaluate(
            "e => [e.scrollWidth, e.clientWidth]"
        )
        assert lost == [] and clipped == [] and small == [] and wide[0] <= wide[1]
    look.page.evaluate(VIEW, False)
    look.page.evaluate(OPEN, False)
    look.shot(look.page.locator(".ow[data-film]").first, f"film_{name}")
    look.shot(look.page.locator(".widget-vbox").first, f"knob_{name}")


@light
def test_nothing_is_lost(look):
    all_is_there(look, "wide")


@light
def test_nothing_is_lost_at_200_percent(look):
    # 1280 by 800 px at 200 % zoom
    with look.narrow(640, 400):
        all_is_there(look, "200")


@light
def test_nothing_is_lost_at_400_px(look):
    with look.narrow(400, 800):
        all_is_there(look, "400px")
        every_control_is_reached_and_seen(look.page)


@light
@pytest.mark.parametrize("width", [390, 1200])
def test_no_word_is_broken(opened, width):
    with opened.narrow(width, 800):
        assert opened.page.evaluate(BROKEN) == []


def every_control_is_reached_and_seen(page):
    """In each output: from its first control, Tab leads to the next ones (at most 12), each with an outline."""
    outputs = page.locator(".jp-OutputArea-output:has(.ow, .ow-ask, .ow-help, .widget-vbox)").all()
    firsts = [output.locator(CONTROLS).locator("visible=true").first for output in outputs]
    reached = 0
    for output, first in zip(outputs, firsts):
        if first.count() == 0:
            continue
        first.focus()
        if (
            output.locator(CONTROLS).locator("visible=true").count() > 1
        ):  # from one alone Tab leaves
            page.keyboard.press("Tab")  # so that the focus comes by keyboard
            page.keyboard.press("Shift+Tab")
        count, at, outline = page.evaluate(REACHED, [output.element_handle(), CONTROLS])
        for wanted in range(min(count, 12)):
            assert at == wanted and outline >= 2, (wanted, at, outline, output.inner_html()[:200])
            page.keyboard.press("Tab")
            count, at, outline = page.evaluate(REACHED, [output.element_handle(), CONTROLS])
        reached += count
    assert reached > 20
