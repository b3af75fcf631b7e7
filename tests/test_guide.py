"""The field guide of lesson 8: from a text to patterns, the cards, and what they say without a kernel."""

import re
import sys
from html import escape, unescape

import pytest
import torch

from overwritten.cases.patterns import EVERY, HEAD
from overwritten.lesson.show import with_code
from overwritten.lesson.shows import guide
from overwritten.lesson.shows.cards import cards, message_of
from overwritten.lesson.shows.guide import (
    SECTIONS,
    alone,
    index,
    number,
    pattern,
    programs,
    section,
    tally,
)
from overwritten.lesson.shows.likest import SHOWN
from overwritten.lesson.shows.nearest import find
from overwritten.live import decoder as live
from overwritten.live.decoder import decoder
from test_messages import OTHERS, WHOLE
from threads import SOURCES, THREADS

MODIFIED = "one of the variables needed for gradient computation has been modified by an inplace operation: "


@pytest.fixture(autouse=True)
def nothing_typed():
    live._typed.clear()
    yield
    live._typed.clear()


def overwritten(shape, node, now, expected, kind="Float"):
    which = f", which is output 0 of {node}," if node else ""
    return f"{MODIFIED}[torch.cuda.{kind}Tensor {shape}]{which} is at version {now}; expected version {expected} instead."


#: Messages of public threads, and the pattern that their answers name.
REPORTS = {
    "mmdetection 7933": (overwritten([2, 256, 100, 152], "ReluBackward0", 1, 0), "own result"),
    "SOLO 239": (overwritten([2, 128, 100, 152], "ReluBackward0", 3, 0), "own result"),
    "mmdetection, the blog": (
        overwritten([2, 2048, 25, 25], "ReluBackward1", 2, 1),
        "residual onto a relu",
    ),
    "AlphAction": (overwritten([4, 1024], "ReluBackward0", 1, 0), "in-place dropout behind a relu"),
    "yolov5 671": (
        overwritten([16, 3, 80, 80, 25], "SigmoidBackward", 2, 0),
        "boxes decoded into a sigmoid",
    ),
    "SinGAN 137": (overwritten([3, 32, 3, 3], "", 2, 1), "convolution stepped between two losses"),
    "MorvanZhou 89": (
        overwritten([128, 1], "TBackward", 2, 1),
        "critic stepped before the generator's backward",
    ),
    "DDP": (overwritten([4], "", 4, 3), "buffer written by the next forward"),
    "few-shot": (overwritten([60], "AsStridedBackward0", 8, 7), "time buffer filled from itself"),
    "targets": (overwritten([6], "", 1, 0, "Long"), "labels changed after the loss"),
    "leaf": (
        "a leaf Variable that requires grad is being used in an in-place operation.",
        "leaf written",
    ),
    "yolov3 1805": (
        "Output 0 of SelectBackward is a view and is being modified inplace. This view is the output of a function that returns multiple views.",
        "view from unbind or split written",
    ),
    "pytorch 61519": (
        "Output 0 of BackwardHookFunctionBackward is a view and is being modified inplace. This view was created inside a custom Function",
        "full backward hook and an in-place relu",
    ),
}


@pytest.mark.parametrize("text, name", REPORTS.values(), ids=REPORTS)
def test_a_report_leads_to_its_pattern(text, name):
    nearest = find(f"RuntimeError: {text}").patterns[0]
    assert name in (nearest[0].name, nearest[0].group), [one.name for one in nearest]
    assert len(nearest) <= SHOWN


@pytest.mark.parametrize("op", ["Sigmoid", "Exp", "Sqrt", "Prod"])
@pytest.mark.parametrize("shape", [[10], [64, 109], [2, 3, 4, 5]])
def test_one_write_onto_a_result_is_first_taken_for_a_plain_one(op, shape):
    first, second, _ = find(overwritten(shape, f"{op}Backward0", 1, 0)).patterns[0]
    assert first.cure == "augmented assignment" and first.does.startswith("Compute a new tensor")
    assert "expected 0" in first.says and "write through detach" != second.name


def test_two_messages_lead_to_patterns_of_each():
    found = find("\n".join(text for text, _ in (REPORTS["leaf"], REPORTS["AlphAction"])))
    assert [patterns[0].name for patterns in found.patterns] == [
        "leaf written",
        "in-place dropout behind a relu",
    ]
    assert (
        "Patterns of message 2, the nearest first:" in str(found)
        and "Patterns of message 2" in found.html()
    )


def test_what_cannot_be_found_is_said():
    assert find("KeyError").patterns == () and find("KeyError").sorry in str(find("KeyError"))
    assert "card" not in find("KeyError").html()


EVERY_ANSWER = {
    **{thread.where: thread.text for thread in THREADS},
    **{f"source {which}": text for which, text, _ in SOURCES},
    **dict(zip(OTHERS, OTHERS)),
    **{where: MODIFIED + text for where, text, _ in WHOLE},
    "compiled": overwritten([4], "CompiledFunctionBackward", 2, 1),
}


@pytest.mark.parametrize("text", EVERY_ANSWER.values(), ids=EVERY_ANSWER)
def test_every_answer_embeds_one_to_three_cards(text):
    found = find(text)
    html = found.html()
    for patterns in found.patterns:
        assert 1 <= len(patterns) <= SHOWN
        for one in patterns:
            line = f"{number(one)}. {one.name} (section {section(one)}, `{one.says}`): {one.does}"
            assert line in str(found)
            assert f"<strong>{number(one)}. {escape(one.name)}</strong>" in html
            assert f'<span class="does">{with_code(one.does)}</span></summary>' in html
            link = f'href="#pattern-{number(one)}" data-section="{section(one)}" onclick="'
            assert link in html and f'">section {section(one)}</a>.' in html
            assert f'id="pattern-{number(one)}"' in cards(number(one)).html(), "the link's anchor"
    assert html.count("<details") == html.count("<svg") == sum(map(len, found.patterns))
    assert "<details open" not in html and html.count("<div") == html.count("</div>")
    assert bool(found.patterns) == (not found.sorry)


def test_in_colab_a_section_is_reached_from_an_output_that_is_a_page_of_its_own(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    html = find(REPORTS["leaf"][0]).html()
    links = re.findall('<a href="(https://colab[^"]+)">section 6</a>', html)
    assert len(links) == html.count("More like it") and "onclick" not in html
    assert links[0].endswith("/08_field_guide.ipynb#scrollTo=6-another-sentence-8-minutes")


@pytest.mark.parametrize("there", ["card", "heading", "nothing"])
def test_a_link_leads_to_the_card_else_to_the_sections_heading(blank, there):
    one = find(REPORTS["leaf"][0]).patterns[0][0]
    page = blank(800, 300)
    folded = f"<details><summary>as on the site</summary>{cards(number(one)).html()}</details>"
    far = folded if there == "card" else ""
    head = f"<h2>{section(one)}. Another sentence</h2>" if there != "nothing" else ""
    room = '<div style="height:3000px"></div>'
    page.set_content(f"{find(REPORTS['leaf'][0]).html()}{room}{head}{far}{room}")
    page.locator(".card summary").first.click()
    page.locator(".card a", has_text="section").first.focus()
    page.keyboard.press("Enter")
    focus = page.evaluate("() => [document.activeElement.tagName, document.activeElement.open]")
    top = page.evaluate("() => Math.round(document.activeElement.getBoundingClientRect().top)")
    wanted = {"card": ["DETAILS", True], "heading": ["H2", True], "nothing": ["A", None]}
    assert focus == wanted[there] and (there == "nothing" or abs(top) < 5)


def test_what_is_found_is_shown_under_the_field():
    field = decoder(REPORTS["leaf"][0], find)
    assert f"<strong>{number(pattern('leaf written'))}. leaf written</strong>" in field.result.value
    assert field.paste(REPORTS["targets"][0]).patterns[0][0].name == "labels changed after the loss"
    assert "labels changed after the loss" in field.result.value and field.result.value.count(
        "</div>"
    ) == field.result.value.count("<div")


def test_a_pattern_by_number_and_by_name():
    assert all(pattern(number(one)) is pattern(one.name) is one for one in EVERY)
    assert [section(one) for one in EVERY] == sorted(section(one) for one in EVERY)
    for which in (0, len(EVERY) + 1, "no such", None):
        with pytest.raises(LookupError, match="There is no pattern"):
            pattern(which)


@pytest.mark.parametrize("group", [group for groups in SECTIONS.values() for group in groups])
def test_a_card_says_it_all_without_a_kernel(group):
    shown = cards(group)
    text, html = str(shown), shown.html()
    plain = (
        re.sub(r"<[^>]+>", "", html)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
    )
    for one in shown.patterns:
        for part in (
            one.name,
            one.trigger.strip(),
            one.cure_lines,
            one.folk_lines,
            one.ends,
            one.says,
            one.thread,
        ):
            assert part in text and part in plain, part
        assert one.because in text and one.does in text
        picture = re.search(rf'id="pattern-{number(one)}".*?(<svg.*?</svg>)', html, re.S)[1]
        programs = re.findall(r'<pre class="program">(.*?)</pre>', html.replace("<wbr>", ""), re.S)
        assert "code</text>" not in picture, "the program stands beside it, once"
    numbered = [re.findall(r"<span>(.*?)\n</span>", one, re.S) for one in programs]
    assert [list(map(unescape, lines)) for lines in numbered] == [
        one.trigger.strip().split("\n") for one in shown.patterns
    ]
    assert html.count("<svg") == html.count("<details") == len(shown.patterns) > 0
    assert html.count("<div") == html.count("</div>")


def test_a_card_can_be_found_by_what_any_torch_prints():
    said = message_of(pattern("residual onto a relu"))
    assert (
        "output 0 of Relu (ReluBackward0 up to torch 2.12), is at version 2; expected version 1"
        in said
    )
    assert message_of(pattern("write through .data")) == ""
    assert message_of(pattern("leaf written")).startswith(
        "RuntimeError: a leaf Variable that requires grad"
    )


def test_the_old_name_of_a_node_is_one():
    for one in EVERY:
        if old := re.search(r"\((\w+) up to torch 2.12\)", message_of(one)):
            assert hasattr(torch._C._functions, old[1]) and one.says.startswith(
                old[1].removesuffix("Backward0")
            )
    assert "up to torch" not in message_of(pattern("a Function of one's own, then +="))


def test_the_tally_counts_every_folk_cure_once():
    ends = tally()
    assert sorted(name for names in ends.values() for name in names) == sorted(
        one.name for one in EVERY
    )
    assert ends["right gradient"] == [one.name for one in EVERY if one.ends == "right gradient"]
    assert 6 < len(EVERY) / len(ends["right gradient"]) < 10, "the lesson says: about one in eight"
    assert 0.4 < len(ends["still raises"]) / len(EVERY) < 0.5, "nearly half"


def test_the_table_of_all_can_be_searched():
    table = index()
    assert len(table.rows) == len(EVERY) and pattern("embedding with max_norm") in table.find(
        "no name", "clone"
    )
    assert "`" not in "".join(map("".join, table.cells))


def test_programs_for_a_knob_and_for_a_file():
    assert list(programs(1).values()) == [
        pattern(1).trigger,
        pattern(1).folk_cured,
        pattern(1).cured,
    ]
    assert alone(1).startswith(HEAD) and alone(1, "cure").endswith(pattern(1).cured)


def test_both_under_a_knob():
    scene = guide.both(programs("relu twice"), {"name": "relu twice"})
    assert scene.words.startswith("as found: raises") and scene.words.endswith(
        "(is at version 1; expected version 0)."
    )
    assert [r.error != "" for r in scene.recordings.values()] == [True, True]
    name = "time buffer filled from itself"
    assert "folk cure: right gradient." in guide.both(programs(name), {"name": name}).words


def test_a_pattern_is_run_once(monkeypatch):
    first = guide.tried(pattern(1))
    monkeypatch.setattr(guide, "trial", None)
    assert guide.tried(pattern(1)) is first
