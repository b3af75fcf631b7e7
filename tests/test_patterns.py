"""The eyes and the doctor against seventeen programs of which saver, writers and cure are known."""

import json

import pytest
import torch
from patterns import PATTERNS
from torch.autograd.graph import saved_tensors_hooks

from overwritten.doctor import diagnose
from overwritten.eyes import Eyes

each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)

SAVER = {"op", "file", "line", "module", "version"}
WRITER = {"op", "file", "line", "module", "before", "after"}


def _run(text, file="<pattern>") -> dict:
    """Leaf name → its gradient after the program ran."""
    names = {"__name__": file}
    exec(compile(text, file, "exec"), names)
    return {name: leaf.grad for name, leaf in names["leaves"].items()}


def _diagnosis(pattern):
    """The error of the trigger under the eyes, and what the doctor says about it."""
    with Eyes() as eyes:
        with pytest.raises(RuntimeError) as caught:
            _run(pattern.trigger, pattern.file)
    return caught.value, diagnose(caught.value, eyes)


def _alike(some, others) -> bool:
    return some.keys() == others.keys() and all(
        torch.allclose(some[name], others[name], rtol=1e-5, atol=1e-6) for name in some
    )


def test_there_are_seventeen_of_them():
    assert len({pattern.name for pattern in PATTERNS}) == len(PATTERNS) == 17
    assert all(len(pattern.marked("saver")) == 1 for pattern in PATTERNS)
    assert all(len(pattern.marked("writer")) == len(pattern.writers) for pattern in PATTERNS)


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
    assert found.cure.name == pattern.cure


@each_pattern
def test_the_cured_program_runs_alike_with_and_without_eyes(pattern):
    plain = _run(pattern.cured)
    with Eyes():
        seen = _run(pattern.cured)
    assert plain.keys() == seen.keys() and all(torch.equal(plain[name], seen[name]) for name in plain)
    assert all(grad.abs().max() > 0 for grad in plain.values())


@each_pattern
def test_the_cured_gradients_are_right(pattern):
    """Right is what the trigger computes if every saved tensor is kept as it was when saved."""
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda tensor: tensor):
        twin = _run(pattern.trigger, pattern.file)
    cured = _run(pattern.cured)
    assert _alike(cured, twin) == (not pattern.no_twin), pattern.no_twin
    if pattern.no_twin:
        assert _alike(cured, _run(pattern.by_hand))


@each_pattern
def test_a_diagnosis_as_json(pattern):
    found = _diagnosis(pattern)[1]
    given = found.as_dict()
    assert json.loads(json.dumps(given)) == given
    assert given.keys() == {"saver", "writers", "verdict", "cure"}
    assert given["saver"].keys() == SAVER
    assert [writer.keys() for writer in given["writers"]] == [WRITER] * len(pattern.writers)
    assert given["cure"] == found.advice() != ""
