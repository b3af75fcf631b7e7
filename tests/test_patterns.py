"""The field guide's patterns: what they end with, their cures, what the folk cures really do.

The eyes and the doctor are tried on those of which saver, writers and cure are known.
"""

import json
import warnings

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.cases.patterns import COUSINS, EVERY, HEAD, PATTERNS
from overwritten.doctor.block import Doctor
from overwritten.doctor.suspects import SUSPECTS
from overwritten.lesson.shows.guide import SECTIONS, end_of, in_short, tried
from overwritten.lesson.shows.nearest import find
from overwritten.messages import KINDS, parse

each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
each = pytest.mark.parametrize("pattern", EVERY, ids=lambda pattern: pattern.name)

SAVER = {"op", "file", "line", "module", "version"}
WRITER = {"op", "file", "line", "module", "before", "after"}
VERDICTS = {"right gradient", "silently wrong gradient", "no gradient"}
#: Cures whose gradients are those of another formula: equal up to rounding only.
ROUNDED = {
    "labels changed after the loss": "the loss by hand is another formula than cross_entropy's",
    "critic stepped before the generator's backward": "the step by hand multiplies and adds in another order",
    "saved, then detached in place": "exp(2a) in place of exp(a) ** 2",
    "batch norm in eval, then in train": "a square root by hand",
}


def _names(file="<pattern>") -> dict:
    return {"__name__": file, "torch": torch, "nn": nn, "F": F}


def _run(text, file="<pattern>") -> dict:
    """'x' or 'net.weight' → its gradient after the program ran, with seed 0."""
    names = _names(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        exec(compile(text, file, "exec"), names)
    return dict(_gradients(names))


def _gradients(names):
    for name, value in names.items():
        inner = (
            dict(value.named_parameters())
            if isinstance(value, nn.Module)
            else value
            if isinstance(value, dict)
            else {}
        )
        found = {name: value} | {f"{name}.{key}": one for key, one in inner.items()}
        for label, one in found.items():
            if isinstance(one, torch.Tensor) and one.is_leaf and one.grad is not None:
                yield label, one.grad


def _outcome(text, right) -> str:
    """In words: how it ends, or its verdict beside the gradients that are right."""
    try:
        got = _run(text)
    except RuntimeError as error:
        return in_short(parse(str(error)))
    if right.keys() - got.keys():
        return "no gradient"
    return (
        "right gradient"
        if _alike({name: got[name] for name in right}, right)
        else "silently wrong gradient"
    )


def _diagnosis(pattern):
    """The error of the trigger under the eyes, and what the doctor says about it."""
    with Doctor() as eyes:
        with pytest.raises(RuntimeError) as caught:
            _run(pattern.trigger, pattern.file)
    return caught.value, eyes.of(caught.value)


def _alike(some, others) -> bool:
    return some.keys() == others.keys() and all(
        torch.allclose(some[name], others[name], rtol=1e-5, atol=1e-6) for name in some
    )


@pytest.mark.parametrize("pattern", EVERY, ids=lambda pattern: pattern.name)
def test_what_a_cure_changes_is_there(pattern):
    lines = [line.partition("  # ")[0] for line in pattern.wrong.strip().split("\n")]
    for change in (pattern.right, pattern.vain):
        assert isinstance(change, str) or set(change) <= set(lines)


def test_names_differ_and_savers_and_writers_are_marked():
    assert len({pattern.name for pattern in EVERY}) == len(EVERY) == len(PATTERNS) + len(COUSINS)
    assert len(PATTERNS) >= 17 and len(COUSINS) >= 20
    assert all(len(pattern.marked("saver")) == 1 for pattern in PATTERNS)
    assert all(len(pattern.marked("writer")) == len(pattern.writers) for pattern in PATTERNS)


def test_every_suspect_and_every_kind_of_message_leads_somewhere():
    groups = {pattern.group for pattern in EVERY}
    assert (
        {group for one in SUSPECTS for group in one.groups} | {"refused", "silent"}
        == groups
        == {g for some in SECTIONS.values() for g in some}
    )
    assert [
        one for some in SECTIONS.values() for group in some for one in EVERY if one.group == group
    ] == list(EVERY), "counted as they stand"
    kinds = {pattern.says for pattern in EVERY if pattern.says in KINDS}
    assert set(KINDS) - kinds - {"overwritten", "no tensor named"} == {"leaf moved"}, (
        "no snippet raises that one on these versions"
    )


@each
def test_the_trigger_ends_as_stated(pattern):
    assert _outcome(pattern.trigger, _run(pattern.cured)) == pattern.says


@each
def test_the_folk_cure_ends_as_stated(pattern):
    assert _outcome(pattern.folk_cured, _run(pattern.cured)) == pattern.ends


@each
def test_what_a_card_shows_was_measured(pattern):
    """`tried` records the programs line by line; here they ran as Python runs them."""
    assert tuple(map(end_of, tried(pattern))) == (pattern.says, pattern.ends)
    assert tried(pattern)[0].twin.error == "" and (pattern.ends in VERDICTS) == (
        not tried(pattern)[1].run.error
    )


@each
def test_all_that_the_programs_need_is_imported(pattern):
    names = {"__name__": "alone"}
    exec(compile(f"{HEAD}\n{pattern.cured}", "alone", "exec"), names)
    got, wanted = dict(_gradients(names)), _run(pattern.cured)
    assert got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in got)


@each
def test_its_own_message_leads_to_a_pattern(pattern):
    error = tried(pattern)[0].run.error
    if error:
        assert pattern in find(error).patterns[0][:3]
    else:
        assert pattern.group == "silent"


def test_nearly_every_message_leads_to_its_pattern_first():
    rare = "write through detach"  # its text is that of any write onto a sigmoid's result
    spoken = [one for one in EVERY if tried(one)[0].run.error and one.name != rare]
    first = [one for one in spoken if find(tried(one)[0].run.error).patterns[0][0] == one]
    assert len(spoken) >= 38 and len(first) / len(spoken) > 0.89


@each_pattern
def test_under_the_eyes_the_error_is_the_same(pattern):
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as plain:
        _run(pattern.trigger, pattern.file)
    assert str(_diagnosis(pattern)[0]) == str(plain.value)


@each_pattern
def test_the_diagnosis_names_saver_writers_and_cure(pattern):
    found = _diagnosis(pattern)[1]
    assert (found.saver.op, found.saver.site.file) == (pattern.saver, pattern.file)
    assert [found.saver.site.line] == pattern.marked("saver")
    assert tuple(wrote.op for wrote in found.writers) == pattern.writers
    assert [wrote.site.line for wrote in found.writers] == pattern.marked("writer")
    assert {wrote.site.file for wrote in found.writers} == {pattern.file}
    assert found.complete and found.verdict == "raises" and found.suspects == ()
    assert {one.cure.name for one in found.cures} == {pattern.cure}


@each_pattern
def test_the_cured_program_runs_alike_with_and_without_eyes(pattern):
    plain = _run(pattern.cured)
    with Doctor():
        seen = _run(pattern.cured)
    assert plain.keys() == seen.keys() and all(
        torch.equal(plain[name], seen[name]) for name in plain
    )
    assert all(grad.abs().max() > 0 for grad in plain.values())


@each_pattern
def test_the_cure_computes_what_the_trigger_would(pattern):
    """Right is what the trigger computes if every saved tensor is kept as it was when saved."""
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda tensor: tensor):
        twin = _run(pattern.trigger, pattern.file)
    assert _alike(_run(pattern.cured), twin) == (not pattern.no_twin), pattern.no_twin


@pytest.mark.parametrize(
    "pattern", [one for one in EVERY if one.by_hand], ids=lambda pattern: pattern.name
)
def test_the_cure_has_the_gradients_of_an_out_of_place_twin(pattern):
    cured, by_hand = _run(pattern.cured), _run(pattern._after(pattern.by_hand))
    cured = {name: cured[name] for name in by_hand}
    assert by_hand and _alike(cured, by_hand)
    equal = all(torch.equal(cured[name], by_hand[name]) for name in by_hand)
    assert equal or pattern.name in ROUNDED


def test_every_pattern_has_a_twin():
    assert all(pattern.by_hand for pattern in (*COUSINS, *(one for one in PATTERNS if one.no_twin)))


# What cards say besides how a program ends


def _named(name):
    return next(one for one in EVERY if one.name == name)


def test_a_distance_written_through_data_spoils_the_other_gradient_too():
    pattern = _named("sum of distances")
    got, right = _run(pattern.folk_cured), _run(pattern.cured)
    assert got.keys() == {"a"} and not _alike(got, {"a": right["a"]})


def test_a_norm_that_is_detached_loses_its_share():
    pattern = _named("vectors divided by their norm")
    share = _run(pattern.cured)["weight"] - _run(pattern.folk_cured)["weight"]
    assert share.abs().max() > 0.01


def test_a_loss_that_is_detached_teaches_nothing():
    pattern = _named("convolution stepped between two losses")
    alone = pattern._after("maps = net(images)\nmaps.mean().backward()")
    got = _run(pattern.folk_cured)
    assert got.pop("second") == 1 and _alike(got, _run(alone))


def test_the_old_hook_reports_the_last_operation_only():
    class Two(nn.Module):
        def forward(self, x):
            return (x * 3).exp()

    seen, new, x = [], [], torch.ones(1, requires_grad=True)
    for reports, name in ((seen, "register_backward_hook"), (new, "register_full_backward_hook")):
        module = Two()
        getattr(module, name)(lambda m, before, after: reports.append(before[0].item()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module(x).backward()
    assert new[0] == pytest.approx(3 * seen[0]), (
        "the full hook's is that of x, the old one's that of x * 3"
    )


def test_a_view_that_was_detached_is_still_the_leafs_storage():
    pattern, names = _named("view returned by a Function of one's own"), _names()
    torch.manual_seed(0)
    before = torch.randn(4)
    torch.manual_seed(0)
    exec(pattern.folk_cured, names)
    assert torch.equal(names["a"].detach()[:2], before[:2] * 3)


def test_the_order_of_two_lines_decides_whether_mutation_is_allowed():
    pattern = _named("allow_mutation_on_saved_tensors and slices")
    lines = [line.partition("  # ")[0] for line in pattern.wrong.strip().split("\n")]
    swapped = pattern.folk_lines.split("\n")
    assert sorted(lines) == sorted(swapped) != lines
    assert _run(pattern.trigger)["d"].tolist() == [100, 100] and _run(pattern.cured)[
        "d"
    ].tolist() == [1, 1]


def test_a_step_that_no_counter_sees_is_a_wrong_gradient_of_the_same_size():
    pattern = _named("batch norm in eval, then in train")
    assert _run(pattern.trigger)["x"].abs().max() < 0.1 < 0.9 < _run(pattern.cured)["x"].abs().min()


def test_one_of_several_views_is_not_a_slice():
    a = torch.ones(4, 2, requires_grad=True)
    x = (a * 2)[:, 0]
    x += 1
    x.sum().backward()
    assert a.grad[:, 0].tolist() == [2] * 4


def test_rows_of_a_loop_are_stacked_and_a_renamed_row_changes_nothing():
    a = torch.ones(3, 2, requires_grad=True)
    x = a * 2
    with pytest.raises(RuntimeError, match="returns multiple views"):
        for row in x:
            row += 1
    for row in x:
        row = row + 1
    assert x.tolist() == [[2, 2]] * 3
    stacked = torch.stack([row + 1 for row in x])
    assert stacked.tolist() == (x + 1).tolist() == [[3, 3]] * 3
    stacked.square().sum().backward()
    assert a.grad.tolist() == [[12, 12]] * 3


@each_pattern
def test_a_diagnosis_as_json(pattern):
    found = _diagnosis(pattern)[1]
    given = found.as_dict()
    assert json.loads(json.dumps(given)) == given
    assert given.keys() == {"saver", "writers", "verdict", "cure", "cures"}
    assert given["saver"].keys() == SAVER
    assert [writer.keys() for writer in given["writers"]] == [WRITER] * len(pattern.writers)
    assert given["cure"] == found.advice() != ""
