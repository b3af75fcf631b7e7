"""Lesson 5's model: the reported message part by part, the fifteen stories, FPN, the old ReLU."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from overwritten import knob, watch
from overwritten.cases import resnet
from overwritten.cases.resnet import (
    C5,
    FPN,
    STORIES,
    WRITERS,
    ConvModule,
    feature_maps,
    layer4,
    relu_1_9,
    story,
)
from overwritten.lesson.exercises.reading_the_error import PROGRAMS, forward_of
from overwritten.messages import parse
from overwritten.record.trial import trial

REPORTED = parse(
    "one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward1, is at version 2; expected version 1 "
    "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True)."
)
#: Those that raise with every ReLU in place, and how: all others with `2; expected 1`.
NEVER = {"relu, a gate out of place", "the stock block"}
STOCK = {"the stock block, += a", "a checkpointed block, += a"}


def message_of(step):
    try:
        step()
    except RuntimeError as error:
        found = parse(str(error))
        assert found is not None, error
        return found
    return None


def ends(name, inplace, relu=F.relu, mended=False, shape=(2, 4, 3, 3)):
    def run():
        torch.manual_seed(0)
        exec(story(name, inplace, mended, shape), {"torch": torch, "nn": nn, "F": F, "relu": relu})

    found = message_of(run)
    return found and (found.now, found.expected)


def raised_by(module, given, write):
    def run():
        x = module(given)
        x = write(x)
        x.sum().backward()

    return message_of(run)


def test_the_reported_line_but_for_the_device_and_the_age():
    def write(x):
        x += given
        return x

    given = torch.randn(C5)
    here = raised_by(ConvModule(2048, 2048), given, write)
    same = ("kind", "shape", "output", "op", "now", "expected")
    assert {part: getattr(here, part) for part in same} == {
        part: getattr(REPORTED, part) for part in same
    }
    assert (here.type, REPORTED.type) == ("torch.FloatTensor", "torch.cuda.FloatTensor")
    assert (here.overload, REPORTED.overload) == (0, 1), (
        "ReluBackward1 was the in-place ReLU of torch 1.9 and older"
    )


def test_the_stock_stage_cannot_have_said_it():
    stage, c4 = layer4(inplanes=16, planes=8), torch.randn(2, 16, 6, 6)
    assert raised_by(stage, c4, lambda x: x) is None
    found = raised_by(stage, c4, lambda x: x.add_(1))
    assert (found.op, found.now, found.expected) == ("Relu", 3, 2)
    assert raised_by(layer4(16, 8, inplace=False), c4, lambda x: x.add_(1)).writes == 1


def test_layer4_is_that_of_a_resnet_50():
    stage = layer4()
    assert (
        sum(p.numel() for p in stage.parameters()) == 14_964_736
    )  # torchvision's resnet50().layer4
    with torch.no_grad():
        assert stage(torch.zeros(1, 1024, 4, 4)).shape == (1, 2048, 2, 2)


def test_thirteen_of_fifteen_raise_and_with_which_versions():
    assert len(STORIES) == 15
    wanted = {
        name: None if name in NEVER else (3, 2) if name in STOCK else (2, 1) for name in STORIES
    }
    assert {name: ends(name, True) for name in STORIES} == wanted
    assert list(wanted.values()).count((2, 1)) == 11


def test_taking_inplace_from_the_relu_cures_one_and_renumbers_twelve():
    after = {name: ends(name, False) for name in STORIES if name not in NEVER}
    assert [name for name, versions in after.items() if versions is None] == ["relu, relu again"]
    assert {versions for versions in after.values() if versions} == {(1, 0)} and len(after) == 13


def test_the_rebuilt_relu_cures_eleven():
    assert {name: ends(name, True, relu_1_9) for name in STORIES} == {
        name: ends(name, True) for name in STORIES
    }
    still = [name for name in STORIES if ends(name, False, relu_1_9)]
    assert still == ["relu, *= a gate made of itself", "relu, a convolution, += res"]


def test_where_the_relu_writes_its_setting_is_the_cure():
    """Its own save in place would expect 1 or more; expected 0 is somebody else's save."""
    once = dict.fromkeys(WRITERS, (1, 0)) | {"+= b, a convolution, relu": (2, 1)}
    for relu in (F.relu, relu_1_9):
        assert {name: ends(name, True, relu) for name in WRITERS} == once
        assert not any(ends(name, False, relu) for name in WRITERS)
        assert not any(ends(name, True, relu, mended=True) for name in WRITERS)
    assert all(ends(name, True)[1] > 0 for name in STORIES if name not in NEVER)


@pytest.mark.parametrize("relu", [F.relu, relu_1_9])
@pytest.mark.parametrize("inplace", [True, False])
def test_mending_the_write_cures_them_all(relu, inplace):
    assert [name for name in STORIES if ends(name, inplace, relu, mended=True)] == []


@pytest.mark.parametrize("name", STORIES)
def test_a_mended_story_computes_what_the_story_computes(name):
    """Check off: the loss of the story is the loss of its mended form."""
    on, off = ("relu = F.relu\n" + story(name, inplace, mended=True) for inplace in (True, False))
    assert trial(on, off).verdict == "right gradient"
    losses = []
    for mended in (False, True):
        names = {"torch": torch, "nn": nn, "F": F, "relu": F.relu}
        torch.manual_seed(0)
        exec(story(name, False, mended).rpartition("\n")[0], names)
        losses.append(names["x"].sum())
    assert torch.allclose(*losses)


def test_the_old_relu_is_relu_and_saves_its_input():
    x = torch.randn(50, requires_grad=True)
    (new,) = torch.autograd.grad(F.relu(x).square().sum(), x)
    (old,) = torch.autograd.grad(relu_1_9(x).square().sum(), x)
    assert torch.equal(F.relu(x), relu_1_9(x)) and torch.equal(new, old)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda t: t):
        relu_1_9(x)
    assert [t.data_ptr() for t in kept] == [x.data_ptr()]
    assert relu_1_9(x * 1, inplace=True)._version == 1


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("act, versions", [(None, None), (True, (2, 1)), (False, (1, 0))])
def test_fpn_raises_only_with_a_relu_on_the_lateral(norm, act, versions):
    torch.manual_seed(0)
    found = message_of(lambda: sum(m.sum() for m in FPN(norm, act)(feature_maps())).backward())
    assert (found and (found.now, found.expected)) == versions
    assert (
        message_of(
            lambda: sum(m.sum() for m in FPN(norm, act, in_place=False)(feature_maps())).backward()
        )
        is None
    )


def test_the_two_settings_side_by_side():
    codes = {
        "on": story("relu, += res", True),
        "off": story("relu, += res", False),
        "twin": story("relu, += res", False, True),
    }
    codes = {label: "relu = F.relu\n" + code for label, code in codes.items()}
    view = knob(lambda n: codes, show="beside", n=[1])
    assert view.say() == (
        "n = 1:\non: raises (is at version 2; expected version 1); off: raises (is at version 1; expected version 0)."
    )
    assert (
        view.scene.picture.svg().count("on: raises") == 1
        and view.scene.picture.svg().count("off: raises") == 1
    )
    assert view.scene.picture.svg().count("✗ finds v") == 2 and list(view.recordings) == [
        "on",
        "off",
    ]


def test_a_picture_shows_what_a_function_of_ones_own_saved():
    codes = {
        label: "relu = old\n" + story("relu, += res", False, mended)
        for label, mended in (("a", False), ("twin", True))
    }
    view = knob(lambda old: codes, show="lanes", old=[resnet.relu_1_9])
    assert (
        "Right gradient. Line 4 saves a tensor on C at version 0; backward in line 6 finds version 0"
        in view.say()
    )


# The message, part by part: what the lesson says of it


def squeezed(saves):
    a = torch.ones(1, 3, requires_grad=True)
    y = a * 2
    z = saves(y)
    (z if z.shape == y.shape and saves is torch.relu else y).squeeze_()
    z.sum().backward()


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("saves, shape", [(torch.relu, (1, 3)), (torch.square, (3,))])
def test_the_shape_of_a_result_is_that_of_the_save_of_an_input_that_of_now(saves, shape, watched):
    if watched:
        with pytest.raises(RuntimeError) as caught, watch():
            squeezed(saves)
        assert parse(str(caught.value)).shape == shape
    else:
        assert message_of(lambda: squeezed(saves)).shape == shape


def test_the_name_is_the_saver_the_writer_the_maker_or_missing():
    said = {
        "z = a.relu()\nz += 1": "Relu",
        "y = a * 2\nz = y ** 2\ny += 1": "Add",
        "y = a * 2\nz = y ** 2\nwith torch.no_grad(): y += 1": "Mul",
        "y = a * 2\nz = y ** 2\ny.detach().add_(1)": "Mul",
        "y = a * 2\nz = y ** 2\ny[0] = 1": "torch::autograd::CopySlices",
        "z = a * a\nwith torch.no_grad(): a += 1": None,
        "s = torch.ones(3)\nz = a * s\ns += 1": None,
    }
    for code, name in said.items():
        names = {"torch": torch, "a": torch.ones(3, requires_grad=True)}
        assert message_of(lambda: exec(code + "\nz.sum().backward()", names)).op == name, code


def test_anomaly_mode_names_the_saver_the_doctor_both():
    import warnings

    def fails():
        x = ConvModule(4, 4)(torch.ones(2, 4, 3, 3))
        x += 1
        x.sum().backward()

    with warnings.catch_warnings(record=True) as warned, torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError):
            fails()
    told = forward_of(warned)
    assert told[-1] == "x = self.activate(x)" and not any("+=" in line for line in told)
    with pytest.raises(RuntimeError), watch() as recording:
        fails()
    found = recording.diagnosis
    assert found.saver.site.file.endswith("resnet.py") and "activate" in found.saver.site.module
    assert [(w.op, w.site.file) for w in found.writers] == [("__iadd__", __file__)] or [
        w.op for w in found.writers
    ] == ["add_"]


def test_the_exercises_programs_say_the_same_on_every_torch():
    said = {}
    for name, code in PROGRAMS.items():
        found = message_of(lambda: exec(code, {"torch": torch, "F": F}))
        said[name] = found and (found.op, found.now, found.expected)
    assert said == {
        "a": ("Relu", 3, 1),
        "b": ("Add", 1, 0),
        "c": ("Sigmoid", 2, 0),
        "d": (None, 1, 0),
        "e": None,
        "f": ("Add", 2, 1),
    }
