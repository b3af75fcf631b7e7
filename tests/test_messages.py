"""Every wording PyTorch has used for an in-place error, parsed to one form."""

import pytest
import torch

from overwritten.messages import KINDS, Message, detected, normal, parse, parse_all, plain_op

MODIFIED = "one of the variables needed for gradient computation has been modified by an inplace operation: "
HINT = " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
PLAIN, NEW = (
    "torch.autograd.set_detect_anomaly(True).",
    "torch.autograd.set_detect_anomaly(True, check_nan=False).",
)
GOOD_LUCK = (
    " Hint: the backtrace further above shows the operation that failed to compute its gradient. "
    "The variable in question was changed in there or anywhere later. Good luck!"
)

# (where it was met, the text, what it says: type, shape, op, overload, now, expected)
WHOLE = [
    ("1.4", "[torch.FloatTensor [3]], which is output 0 of ReluBackward, is at version 1; expected version 0 instead." + HINT + PLAIN, ("torch.FloatTensor", (3,), "Relu", 0, 1, 0)),
    ("1.8, mmdetection", "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward1, is at version 2; expected version 1 instead." + HINT + PLAIN, ("torch.cuda.FloatTensor", (2, 2048, 25, 25), "Relu", 1, 2, 1)),
    ("1.8, few-shot", "[torch.FloatTensor [60]], which is output 0 of SelectBackward, is at version 8; expected version 7 instead." + HINT + PLAIN, ("torch.FloatTensor", (60,), "Select", 0, 8, 7)),
    ("1.10, AlphAction", "[torch.cuda.FloatTensor [4, 1024]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead." + HINT + PLAIN, ("torch.cuda.FloatTensor", (4, 1024), "Relu", 0, 1, 0)),
    ("2.6", "[torch.FloatTensor [8, 1]], which is output 0 of AsStridedBackward0, is at version 2; expected version 1 instead." + HINT + PLAIN, ("torch.FloatTensor", (8, 1), "AsStrided", 0, 2, 1)),
    ("2.11", "[torch.FloatTensor [3]], which is output 0 of ExpBackward0, is at version 1; expected version 0 instead." + HINT + NEW, ("torch.FloatTensor", (3,), "Exp", 0, 1, 0)),
    ("2.13", "[torch.FloatTensor [3]], which is output 0 of Exp, is at version 1; expected version 0 instead." + HINT + NEW, ("torch.FloatTensor", (3,), "Exp", 0, 1, 0)),
    ("2.13, a label", "[torch.LongTensor [6]] is at version 1; expected version 0 instead." + HINT + NEW, ("torch.LongTensor", (6,), None, 0, 1, 0)),
    ("2.13, a scalar", "[torch.FloatTensor []], which is output 0 of LinalgVectorNorm, is at version 1; expected version 0 instead." + HINT + NEW, ("torch.FloatTensor", (), "LinalgVectorNorm", 0, 1, 0)),
    ("2.13, a view written", "[torch.FloatTensor [4]], which is output 0 of torch::autograd::CopySlices, is at version 3; expected version 1 instead." + HINT + NEW, ("torch.FloatTensor", (4,), "torch::autograd::CopySlices", 0, 3, 1)),
    ("2.13, truth values", "[CPUBoolType [3]] is at version 1; expected version 0 instead." + HINT + NEW, ("CPUBoolType", (3,), None, 0, 1, 0)),
    ("2.13, under autocast", "[CUDABFloat16Type [8, 16]], which is output 0 of Exp, is at version 1; expected version 0 instead." + HINT + NEW, ("CUDABFloat16Type", (8, 16), "Exp", 0, 1, 0)),
    ("2.13, copy_", "[torch.FloatTensor [3]], which is output 0 of torch::autograd::CopyBackwards, is at version 1; expected version 0 instead." + HINT + NEW, ("torch.FloatTensor", (3,), "torch::autograd::CopyBackwards", 0, 1, 0)),
    ("a report with a letter", "[torch.cuda.FloatTensor [N, 1024]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead.", ("torch.cuda.FloatTensor", ("N", 1024), "Relu", 0, 1, 0)),
    ("anomaly mode", "[torch.FloatTensor [3]], which is output 0 of Relu, is at version 1; expected version 0 instead." + GOOD_LUCK, ("torch.FloatTensor", (3,), "Relu", 0, 1, 0)),
]  # fmt: skip

OTHERS = {
    "one of the variables needed for gradient computation has been modified by an inplace operation": "no tensor named",
    "a leaf Variable that requires grad is being used in an in-place operation.": "leaf",
    "a leaf Variable that requires grad has been used in an in-place operation.": "leaf",
    "a view of a leaf Variable that requires grad is being used in an in-place operation.": "view of a leaf",
    "leaf variable was used in an inplace operation.": "leaf",
    "a leaf variable that requires grad has been moved into the graph interior": "leaf moved",
    "leaf variable has been moved into the graph interior": "leaf moved",
    "Output 0 of UnbindBackward0 is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow": "one of several views",
    "Output 1 of Split is a view and its base or another view of its base has been modified inplace. This view is the output of a function that returns multiple views.": "one of several views",
    "Output 0 of V is a view and is being modified inplace. This view was created inside a custom Function (or because": "view of a custom Function",
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that": "view made under no_grad",
    "A view was created in no_grad mode and its base or another view of its base has been modified inplace with grad mode enabled.": "view made under no_grad",
    "A view was created in inference mode and is being modified inplace in normal mode.": "view made in inference mode",
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone": "inference tensor written",
    "Inference tensors cannot be saved for backward. Please do not use": "inference tensor saved",
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location.": "elements share a place",
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location.": "elements share a place",
    "result type Float can't be cast to the desired output type Long": "dtype cannot be cast",
    "output with shape [3] doesn't match the broadcast shape [2, 3]": "shape cannot grow",
    "exp(): functions with out=... arguments don't support automatic differentiation, but one": "out= with requires grad",
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().": "detached in place",
    "Trying to backward through the graph a second time (or directly access saved": "backward twice",
    "Some elements marked as dirty during the forward method were not returned as output.": "dirty and not returned",
}


@pytest.mark.parametrize(
    "text, says", [(MODIFIED + text, says) for _, text, says in WHOLE], ids=[w for w, _, _ in WHOLE]
)
def test_a_whole_message_and_back(text, says):
    message = parse(text)
    assert (
        message.type,
        message.shape,
        message.op,
        message.overload,
        message.now,
        message.expected,
    ) == says
    assert message.kind == "overwritten" and message.writes == says[4] - says[5]
    assert message.text() == text


@pytest.mark.parametrize("text, kind", OTHERS.items())
def test_the_other_kinds(text, kind):
    assert parse(f"RuntimeError: {text}").kind == kind


def test_every_kind_is_tested():
    assert set(KINDS) == {"overwritten", *OTHERS.values()}


def test_a_message_in_a_log_that_was_wrapped():
    log = (
        "Traceback (most recent call last):\n  File …\nRuntimeError: "
        + MODIFIED.replace(" ", "\n  ")
        + WHOLE[1][1].replace(" ", "\n")
    )
    assert parse(log).shape == (2, 2048, 25, 25)
    assert parse("KeyError: 'loss'") is None and parse("") is None


@pytest.mark.parametrize(
    "hand, machine",
    [
        ("ReluBackward 0, is", "ReluBackward0, is"),
        ("struct torch::autograd::CopySlices, is", "torch::autograd::CopySlices, is"),
        (": torch.FloatTensor [3]]", ": [torch.FloatTensor [3]]"),
        ("operation:[torch", "operation: [torch"),
        ("operation : [torch", "operation: [torch"),
    ],
)
def test_what_a_hand_or_a_compiler_writes_otherwise(hand, machine):
    for _, text, _ in WHOLE:
        written = parse_all((MODIFIED + text).replace(machine, hand))
        known = parse_all(MODIFIED + text)
        assert [(m.op, m.overload, m.shape, m.now) for m in written] == [
            (m.op, m.overload, m.shape, m.now) for m in known
        ]
    assert any(machine in MODIFIED + text for _, text, _ in WHOLE)


def test_a_title_is_no_second_message():
    said = MODIFIED.removesuffix(": ")
    assert [m.kind for m in parse_all(f"# {said}\n\n{said}.")] == ["no tensor named"]
    assert [m.op for m in parse_all(f"# {said}\n\n{MODIFIED}{WHOLE[3][1]}\n{said}")] == ["Relu"]


def test_the_failed_node_of_anomaly_mode():
    assert (
        detected("Warning: Error detected in MkldnnConvolutionBackward. No forward pass")
        == "MkldnnConvolution"
    )
    assert detected(MODIFIED) == ""


def test_what_is_cut_off_is_still_known():
    assert parse(MODIFIED).kind == "overwritten" and not parse(MODIFIED).overwritten
    with pytest.raises(ValueError, match="only a whole"):
        parse(MODIFIED).text()


def test_versions_agree_once_normal():
    by_version = {where: normal(MODIFIED + text) for where, text, _ in WHOLE}
    assert by_version["2.11"] == by_version["2.13"]
    assert normal("output 0 of FillBackward3,") == normal("output 0 of Fill3,")


@pytest.mark.parametrize(
    "trigger, kind, op",
    [
        (lambda a: (lambda b: (b.add_(1), b.sum().backward()))(a.relu()), "overwritten", "Relu"),
        (lambda a: a.add_(1), "leaf", None),
        (lambda a: a[0].add_(1), "view of a leaf", None),
        (lambda a: (a * 1).unbind(0)[0].add_(1), "one of several views", "Unbind"),
        (lambda a: torch.zeros(1).expand(3).add_(1), "elements share a place", None),
        (lambda a: torch.ones(3, dtype=torch.long).add_(0.5), "dtype cannot be cast", "Float"),
        (lambda a: torch.ones(3).add_(torch.ones(2, 3)), "shape cannot grow", None),
        (lambda a: (lambda s: (s.backward(), s.backward()))(a.exp().sum()), "backward twice", None),
    ],
)
def test_the_torch_in_use_still_speaks_so(trigger, kind, op):
    with pytest.raises(RuntimeError) as caught:
        trigger(torch.randn(3, requires_grad=True))
    message = parse(str(caught.value))
    assert (message.kind, message.op) == (kind, op)
    if kind == "overwritten":
        assert message.text() == str(caught.value)


def test_operations_whose_names_end_in_digits():
    assert plain_op("Log10Backward0") == ("Log10", 0) and plain_op("Conv2D") == ("Conv2D", 0)
    assert isinstance(parse("backward: " + next(iter(OTHERS))), Message)
