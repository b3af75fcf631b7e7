"""The decoder: what it says of every kind of message, of none, of many, and of anything else."""

import subprocess
import sys
import time

import pytest
import torch

from conftest import ROOT
from overwritten import watch
from overwritten.doctor.named import VIEWS, node_of
from overwritten.doctor.reading import (
    CUT_OFF,
    IN_A_SENTENCE,
    MOST,
    NO_MESSAGE,
    decode,
)
from overwritten.doctor.suspects import SUSPECTS, suspects
from overwritten.live import decoder as live
from overwritten.live.decoder import decoder
from overwritten.messages import KINDS, forward_lines, parse, parse_all
from test_messages import GOOD_LUCK, HINT, MODIFIED, NEW, OTHERS, PLAIN, WHOLE
from threads import SOURCES, THREADS

TENSOR = "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward1, is at version 2; expected version 1 instead."
REPORTED = MODIFIED + TENSOR + HINT + PLAIN
LABEL = (
    MODIFIED + "[torch.LongTensor [6]] is at version 1; expected version 0 instead." + HINT + NEW
)
LEAF = "a leaf Variable that requires grad is being used in an in-place operation."


def only(text):
    decoded = decode(text)
    assert decoded.sorry == "" and len(decoded.readings) == 1, str(decoded)
    return decoded.readings[0]


def test_the_reported_line_part_by_part():
    assert [part for part, _ in only(REPORTED).parts] == [
        "torch.cuda.FloatTensor",
        "[2, 2048, 25, 25]",
        "output 0 of ReluBackward1",
        "version 2; expected 1",
        "Hint",
    ]
    words = dict(only(REPORTED).parts)
    assert words["torch.cuda.FloatTensor"] == "32-bit floats, on a GPU"
    assert "torch 1.9 and older wrote so, for a ReLU in place" in words["output 0 of ReluBackward1"]
    assert (
        "written once since the save" in words["version 2; expected 1"]
        and "new to it" in words["version 2; expected 1"]
    )
    assert only(REPORTED).suspects[0].startswith("Relu is the saver: it saved its own result.")
    assert (
        "was written once before"
        in dict(only(REPORTED.replace("2; expected version 1", "3; expected version 2")).parts)[
            "version 3; expected 2"
        ]
    )


@pytest.mark.parametrize(
    "text", [MODIFIED + text for _, text, _ in WHOLE], ids=[where for where, *_ in WHOLE]
)
def test_every_wording_is_explained_and_has_suspects(text):
    reading = only(text)
    assert reading.suspects and all(
        words and "None" not in words and "{" not in words for _, words in reading.parts
    )


def test_every_other_kind_gets_a_sentence():
    assert set(IN_A_SENTENCE) == set(KINDS)
    for text, kind in OTHERS.items():
        assert only(text).says == IN_A_SENTENCE[kind]
        assert bool(only(text).suspects) == (kind == "no tensor named")


@pytest.mark.parametrize(
    "code, first",
    [
        ("z = a.relu()\nz += 1", "Relu is the saver"),
        ("z = torch.relu_(a * 1)\nz += 1", "Relu is the saver"),
        ("z = a.sigmoid()\nz[0] = 0", "Sigmoid is the saver"),
        ("z, r = torch.linalg.qr(torch.eye(3) * a)\nz += r\nr += 1", "LinalgQr is the saver"),
        ("y = a * 2\nz = y ** 2\ny += 1", "Add in place (`+=`) is the last recorded write"),
        ("y = a * 2\nz = y ** 2\ny *= 3", "Mul in place (`*=`) is the last recorded write"),
        ("y = a * 2\nz = y ** 2\ny.fill_(1)", "Fill in place (`fill_`) is the last recorded write"),
        ("y = a * 2\nz = y ** 2\ny[0] = 0", "`x[…] = …` is the last recorded write"),
        ("i = torch.tensor([0])\nz = a.gather(0, i)\ni += 1", "Labels, an index or a mask"),
        ("z = a * a\nwith torch.no_grad(): a += 1", "A parameter, written between"),
        (
            "w = torch.ones(2, 3, requires_grad=True)\nz = torch.nn.functional.linear(a[None], w)\nwith torch.no_grad(): w += 1",
            "The weight of a `Linear`, saved as its transpose (so its own shape is [2, 3])",
        ),
        ("y = a * 2\nz = y[1:] ** 2\ny[0] = 0", "A slice of a tensor that is filled in place"),
        ("y = torch.cat([a, a])\nz = y ** 2\ny.detach().zero_()", "Cat made the tensor"),
        ("class F(torch.autograd.Function):\n  @staticmethod\n  def forward(ctx, x):\n    y = x * 2\n    ctx.save_for_backward(y)\n    return y\n"
         "  @staticmethod\n  def backward(ctx, g):\n    return g * ctx.saved_tensors[0]\nz = F.apply(a)\nz += 1", "F is no operation of PyTorch's own"),
    ],
)  # fmt: skip
def test_the_first_suspect_of_a_program_that_just_ran(code, first):
    """What the decoder puts first for this PyTorch's own message, beside what the doctor saw."""
    names = {"torch": torch, "a": torch.tensor([1.0, 2.0, 3.0], requires_grad=True)}
    with pytest.raises(RuntimeError) as caught, watch() as recording:
        exec(code + "\nz.sum().backward()", names)
    suspect = only(str(caught.value)).suspects[0]
    assert suspect.startswith(first), suspect
    seen = recording.diagnosis
    if "is the saver" in suspect:
        assert seen.saver.own
    if "is the last recorded write" in suspect or suspect.startswith("Cat made"):
        assert not seen.saver.own and seen.writers


NODES = "Add Cat Relu Elu1 MyOwn SubBackward0 ClampBackward SelectBackward BroadcastBackward CompiledFunction torch::autograd::CopySlices".split()


def of(node, shape="[4, 3]", now=1, expected=0, kind="torch.FloatTensor"):
    """One message, its tensor part."""
    which = f", which is output 0 of {node}," if node else ""
    return f"{MODIFIED}[{kind} {shape}]{which} is at version {now}; expected version {expected} instead."


def test_every_suspect_is_reached_by_some_message():
    texts = [MODIFIED + text for _, text, _ in WHOLE]
    for shape in ("[]", "[4]", "[4, 3]", "[4, 3, 2, 2]", "[4, 3, 64, 64]"):
        texts += [of(node, shape, e + 1, e) for node in ("", *NODES) for e in (0, 1)]
    found = [[one.name for _, one in suspects(m, node_of(m))] for m in map(parse, texts)]
    assert all(found) and {one.name for one in SUSPECTS} == {
        name for names in found for name in names
    }


@pytest.mark.parametrize(
    "text, names, tied",
    [
        # weights, norms, batches and buffers have no name; sides and versions tell some of them
        (of("", "[3, 32, 3, 3]", 2, 1), ["parameter", "buffer"], 0),
        (of("", "[3, 32, 3, 3]", 1, 0), ["parameter", "data", "buffer"], 2),
        (of("", "[8, 3, 224, 224]", 1, 0), ["data", "parameter", "buffer"], 0),
        (of("", "[8, 3, 224, 224]", 3, 2), ["parameter", "data", "buffer"], 3),
        (of("", "[32, 10]", 1, 0), ["data", "parameter", "buffer"], 0),
        (of("", "[32, 10]", 3, 2), ["parameter", "buffer"], 2),
        (of("", "[B, 3, H, W]", 1, 0), ["data", "parameter", "buffer"], 0),
        (of("", "[64]", 3, 2), ["norm"], 0),
        (of("", "[64]", 1, 0), ["parameter", "data", "buffer"], 2),
        (of("", "[64]", 1, 0, "CPUBoolType"), ["whole numbers"], 0),
        # a result of its own, or a write in place: the versions do not tell a ReLU
        (of("Relu"), ["own result", "perhaps in place"], 0),
        (of("Relu", now=2, expected=1), ["own result", "written before"], 0),
        (of("Softmax"), ["own result"], 0),
        (of("Elu1"), ["in place"], 0),  # elu_ alone has that node, and its own save is at 1
        (of("LeakyReluBackward1", now=2, expected=1), ["own result", "written before"], 0),
        (of("Silu"), ["writer", "unrecorded"], 0),
        # torch 1.9 and older name the maker
        (of("ClampBackward"), ["maker"], 0),
        (of("SubBackward0"), ["writer", "maker", "unrecorded"], 0),
        (of("CopyBackwards"), ["writer", "unrecorded"], 0),
        # two sides: a weight begins at version 1, other matrices at 0
        (of("AsStrided", now=2, expected=1), ["linear weight", "slice"], 0),
        (of("AsStrided", now=4, expected=0), ["linear weight", "slice"], 2),
    ],
)  # fmt: skip
def test_who_comes_first_and_what_the_text_cannot_tell(text, names, tied):
    reading = only(text)
    assert list(reading.names[: len(names)]) == names and reading.tied == tied
    assert ("cannot tell" in reading.heading) == (tied > 0) and reading.heading.replace(
        "`", ""
    ) in str(decode(text))


@pytest.mark.parametrize(
    "name", ["relu", "sigmoid", "tanh", "exp", "sqrt", "rsqrt", "elu", "celu", "selu", "leaky_relu"]
)
def test_an_activation_in_place_that_wrote(name):
    """`y = x * 2; z = y ** 2; F.relu_(y)`: the power saved y, the activation is the writer."""
    act = getattr(torch, f"{name}_", None) or getattr(torch.nn.functional, f"{name}_", None)
    act = act or getattr(torch._C._nn, f"{name}_")
    y = torch.rand(3, requires_grad=True) * 2
    z = y**2
    act(y)
    with pytest.raises(RuntimeError) as caught:
        z.sum().backward()
    said = only(str(caught.value)).suspects
    assert any("it is the writer" in words and "in place" in words for words in said[:2])
    assert "nothing wrong" not in " ".join(said)


@pytest.mark.parametrize(
    "kind, words",
    {
        "torch.FloatTensor": "32-bit floats, on the CPU",
        "torch.cuda.HalfTensor": "16-bit floats, on a GPU",
        "torch.sparse.FloatTensor": "32-bit floats, sparse, on the CPU",
        "torch.cuda.sparse.DoubleTensor": "64-bit floats, sparse, on a GPU",
        "CPUBoolType": "truth values, on the CPU",
        "CPUBFloat16Type": "16-bit floats, on the CPU",
        "CUDABFloat16Type": "16-bit floats, on a GPU",
        "MPSFloatType": "32-bit floats, on an Apple GPU",
        "torch.mps.FloatTensor": "32-bit floats, on an Apple GPU",
        "CPUComplexFloatType": "complex numbers, on the CPU",
        "SparseCsrCPUFloatType": "32-bit floats, sparse, on the CPU",
        "XLAFloatType": "32-bit floats, on another device",
        "torch.NewTensor": "numbers, on another device",
    }.items(),
)
def test_what_a_type_means(kind, words):
    assert dict(only(of("", kind=kind)).parts)[kind] == words


def test_anomaly_modes_node_outweighs_the_name():
    """Convolution failed, so the ReLU that is named saved nothing that is missed: it wrote."""
    warning = (
        "Warning: Error detected in ConvolutionBackward0. No forward pass information available.\n"
    )
    names = only(warning + of("Relu")).names
    assert names[0] == "writer" and "own result" not in names
    assert only(warning + of("Relu")).suspects[0].startswith("Convolution is the saver")
    assert (
        only(warning.replace("Convolution", "Relu") + of("ReluBackward0")).names[0] == "own result"
    )


@pytest.mark.parametrize("thread", THREADS, ids=[thread.where for thread in THREADS])
def test_a_public_thread_gets_its_cause_first_or_is_told_that_the_text_cannot_say(thread):
    assert thread.where.startswith("https://") and thread.truth or not thread.cause
    decoded = decode(thread.text)
    if not decoded.readings:
        assert thread.first in decoded.sorry
        return
    (reading,) = decoded.readings
    assert (reading.names or (reading.message.kind,))[0] == thread.first
    if thread.truth and thread.truth != thread.first:
        assert thread.truth in reading.names[: reading.tied or 2]
    if not thread.truth and thread.first == "parameter" and "[1, 1, 512, 128]" in thread.text:
        assert reading.tied == 3


def test_there_are_thirty_threads_and_most_causes_are_known():
    assert len(THREADS) >= 30 and len({thread.where for thread in THREADS}) == len(THREADS)
    assert sum(bool(thread.cause) for thread in THREADS) >= 25


@pytest.mark.parametrize("which, text, first", SOURCES, ids=[which for which, *_ in SOURCES])
def test_the_sources_own_lines(which, text, first):
    reading = only(text)
    assert (reading.names or (reading.message.kind,))[0] == first and reading.suspects
    assert "[N, 1024]" in dict(reading.parts) or which != "004"


@pytest.mark.parametrize(
    "op",
    ["Add", "Mul", "Convolution", "Cat", "Addmm", "Sum", "MaxPool2DWithIndices", "NativeDropout"],
)
def test_what_saves_no_result_of_its_own_is_not_called_the_saver(op):
    text = (
        MODIFIED
        + f"[torch.FloatTensor [3]], which is output 0 of {op}, is at version 1; expected version 0 instead."
    )
    assert not node_of(parse(text)).saves


def test_the_views_are_views():
    x = torch.ones(2, 3, 4, requires_grad=True) * 1
    views = [
        x.transpose(0, 1),
        x.view(6, 4),
        x.select(0, 1),
        x[:, 1:],
        x[:1].expand(2, 3, 4),
        x.permute(2, 0, 1),
    ]
    views += [
        x.unbind(0)[0],
        x.split(1)[0],
        x.diagonal(),
        x.unfold(2, 2, 1),
        x[0].t(),
        x.as_strided((2,), (1,)),
        x.squeeze(),
        x.unsqueeze(0),
    ]
    assert all(view._is_view() for view in views)
    names = {view.grad_fn.name().partition("Backward")[0].rstrip("0123456789") for view in views}
    assert VIEWS == names


# Texts that are not one clean line


COLOURED = f"\x1b[1;31mRuntimeError\x1b[0m: \x1b[31m{REPORTED}\x1b[0m"
TRACEBACK = f"""Traceback (most recent call last):
  File "tools/train.py", line 242, in <module>
    main()
  File "/site-packages/torch/autograd/__init__.py", line 145, in backward
    Variable._execution_engine.run_backward(
RuntimeError: {REPORTED}"""
ANOMALY = f"""/x/torch/autograd/graph.py:869: UserWarning: Error detected in ReluBackward0. Traceback of forward call that caused the error:
  File "/home/me/train.py", line 12, in <module>
    main()
  File "/home/me/neck.py", line 34, in forward
    x = self.act(x)
  File "/x/site-packages/torch/nn/modules/activation.py", line 144, in forward
    return F.relu(input, inplace=self.inplace)
 (Triggered internally at /pytorch/torch/csrc/autograd/python_anomaly_mode.cpp:127.)
  return Variable._execution_engine.run_backward(
{TRACEBACK}"""


@pytest.mark.parametrize(
    "text",
    [
        TRACEBACK,
        COLOURED,
        COLOURED.replace("\x1b", ""),  # the escape character is lost in many a paste
        COLOURED.replace("\x1b", "^["),
        COLOURED.replace("\x1b", "\\x1b"),
        "> " + REPORTED.replace(": [", ":\n> ["),
        "│ " + REPORTED.replace("; expected", "; │\n│ expected") + " │",
        REPORTED.replace(" ", "\n   "),
        TENSOR,  # without its head
        f"[rank3]: RuntimeError: {REPORTED}",
        REPORTED + "\n" + REPORTED,  # the same from two processes is one message
        f"`{TENSOR.removesuffix(' instead.')}`",
        REPORTED.replace(" ", "\xa0"),
        *(
            f"{left}RuntimeError: {REPORTED}{right}"
            for left, right in ("„“", "«»", "「」", "『』", "‚‘", "”“", ("« ", " »"))
        ),
        REPORTED.replace(": [", "： ［")
        .replace("]]", "］］")
        .replace("; ", "；")
        .replace(", ", "，"),
        REPORTED.replace("gradient", "gra\u200bdient"),
        REPORTED.replace(": [", ":\\n["),  # a log that spells its line ends
        "\n".join(
            REPORTED[at : at + 80] for at in range(0, len(REPORTED), 80)
        ),  # a terminal's edge
    ],
)
def test_whatever_stands_around_it(text):
    reading = only(text)
    assert [part for part, _ in reading.parts][:4] == [part for part, _ in only(REPORTED).parts][:4]
    assert reading.suspects == only(REPORTED).suspects


@pytest.mark.parametrize("mark", ["’", "´", "&#39;", "&#x27;", "ʼ"])
def test_an_apostrophe_of_another_kind(mark):
    assert (
        decode(f"result type Float can{mark}t be cast to the desired output type Long")
        .readings[0]
        .message.kind
        == "dtype cannot be cast"
    )


def test_four_sides_without_a_name_are_a_convolutions_weight_if_two_are_small():
    text = LABEL.replace("Long", "Float").replace("[6]", "[3, 32, 3, 3]")
    assert "convolution's weight" in dict(only(text).parts)["[3, 32, 3, 3]"]
    assert (
        "images"
        in dict(only(text.replace("3, 32, 3, 3", "8, 3, 224, 224")).parts)["[8, 3, 224, 224]"]
    )
    assert "images" in dict(only(REPORTED).parts)["[2, 2048, 25, 25]"]


@pytest.mark.parametrize(
    "layer, x", [(torch.nn.Linear(3, 4), (2, 3)), (torch.nn.Conv2d(2, 3, 1), (1, 2, 4, 4))]
)
def test_a_frozen_weight_has_no_name(layer, x):
    layer.requires_grad_(False)
    y = layer(torch.randn(x, requires_grad=True))
    layer.weight.mul_(2)
    with pytest.raises(RuntimeError) as raised:
        y.sum().backward()
    message = parse(str(raised.value))
    assert message.overwritten and message.op is None


def test_two_at_once_are_explained_one_after_the_other():
    decoded = decode(f"{LABEL}\n\n{LEAF}\nand then\n{REPORTED}")
    assert [reading.says for reading in decoded.readings] == [
        IN_A_SENTENCE[kind] for kind in ("overwritten", "leaf", "overwritten")
    ]
    assert str(decoded).startswith("Message 1 of 3.\n") and "Message 3 of 3." in str(decoded)
    assert [m.type for m in parse_all(REPORTED + LABEL)] == [
        "torch.cuda.FloatTensor",
        "torch.LongTensor",
    ]


def test_a_view_of_a_leaf_is_one_message():
    assert [m.kind for m in parse_all("a view of " + LEAF)] == ["view of a leaf"]


def test_anomaly_modes_traceback_names_the_saver_first():
    assert forward_lines(ANOMALY)[-2:] == [
        ("/home/me/neck.py", 34, "x = self.act(x)"),
        (
            "/x/site-packages/torch/nn/modules/activation.py",
            144,
            "return F.relu(input, inplace=self.inplace)",
        ),
    ]
    first, second, *_ = only(ANOMALY).suspects
    assert first.startswith("`x = self.act(x)` (line 34 of /home/me/neck.py) is the saver")
    assert second == only(REPORTED).suspects[0]
    assert forward_lines(TRACEBACK) == [] and forward_lines("") == []
    assert dict(only(MODIFIED + TENSOR + GOOD_LUCK).parts)["Hint"].startswith("anomaly mode was on")


@pytest.mark.parametrize("length", [len(MODIFIED), len(MODIFIED) + 30, len(MODIFIED + TENSOR) - 40])
def test_cut_off_is_said(length):
    decoded = decode((MODIFIED + TENSOR)[:length])
    assert decoded.readings == () and str(decoded) == CUT_OFF
    wrapped = (MODIFIED + TENSOR)[:length]
    assert str(decode(f"{wrapped[:50]}\n{wrapped[50:]}")) == CUT_OFF
    both = decode((MODIFIED + TENSOR)[:length] + " … " + LEAF)
    assert both.sorry == CUT_OFF and len(both.readings) == 1


ENTIRE = MODIFIED + TENSOR


@pytest.mark.parametrize(
    "text",
    [
        "RuntimeError: one of the variables needed for gradient computa",
        ENTIRE[: ENTIRE.index("ation: [")],
        ENTIRE[ENTIRE.index("computation has") : ENTIRE.index("output 0 of") + 17],
        ENTIRE[ENTIRE.index("inplace operation: [") : ENTIRE.index("eluBackward")],
        ENTIRE[ENTIRE.index("which is output 0") :],
        ENTIRE[ENTIRE.index("is at version") :],
        "> modified by an\n> inplace\xa0opera\u200btion …",
        "\x1b[31mmodified by an inpla\nce operation\x1b[0m",
        "…which is output 0 of AsStr",
    ],
)
def test_any_piece_of_the_sentence_is_called_cut_off(text):
    assert decode(text).sorry == CUT_OFF and decode(f"{text}\n{ENTIRE}").sorry == ""


NO_ERROR_OF_OURS = {
    "empty": "",
    "blank": " \n\t ",
    "no error": "x += 1",
    "another of PyTorch's": "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
    "out of memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
    "numbers": "[2, 2048, 25, 25] version 2 expected 1",
    "translated": "eine der Variablen, die für die Gradientenberechnung benötigt werden, wurde verändert",
    "a key": "KeyError: 'version'; which is output 3 of the loop",
    "a module": "ModuleNotFoundError: No module named 'inplace_abn' (gradient computation)",
    "versions": "pkg is at version 2, expected version 3 or later",
    "a refused write": "This operation is modified in place; expected one of the variables",
    "another library's words": "Variable 'x' has been modified by an inplace operation. Its version is 1",
    "null": "\x00\ud800",
    "long": "no " * 100_000,
}


@pytest.mark.parametrize("text", NO_ERROR_OF_OURS.values(), ids=NO_ERROR_OF_OURS)
def test_what_is_no_such_message_gets_one_clear_sentence(text):
    decoded = decode(text)
    assert decoded.readings == () and str(decoded) == NO_MESSAGE and NO_MESSAGE.count(". ") == 0
    assert NO_MESSAGE in decoded.html()


FOREIGN = {
    "mxnet.base.MXNetError: Check failed: AGInfo::IsNone(*output) Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd.": "MXNet",
    "TypeError: 'Tensor' object does not support item assignment": "TensorFlow",
    "ValueError: assignment destination is read-only": "NumPy",
    "ValueError: output array is read-only": "NumPy",
    "TypeError: '<class 'jaxlib.xla_extension.ArrayImpl'>' object does not support item assignment. JAX arrays are immutable.": "JAX",
    "TypeError: 'tensorflow.python.framework.ops.EagerTensor' object does not support item assignment": "TensorFlow",
    "(PermissionDenied) Tensor 'x' used in gradient computation has been modified by an inplace operation. Its version is 1 but the expected version is 0.": "Paddle",
}


@pytest.mark.parametrize("text, library", FOREIGN.items())
def test_another_librarys_error_is_named(text, library):
    decoded = decode(f'Traceback (most recent call last):\n  File "train.py", line 3\n{text}')
    assert decoded.readings == () and decoded.sorry.startswith(
        f"This is {library}'s error, not PyTorch's: "
    )
    assert decode(f"{text}\n{REPORTED}").sorry == "", "PyTorch's own message stands beside it"


NEIGHBOURS = {
    "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn": "began at a tensor without a history",
    "RuntimeError: One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True": "does not depend on",
    "RuntimeError: you can only change requires_grad flags of leaf variables.": "use `detach()`",
    "RuntimeError: In-place leakyReLu backward calculation is triggered with a non-positive slope which is not supported.": "leave out `inplace=True`",
    "RuntimeError: Can't detach views in-place. Use detach() instead.": "use `detach()`",
}


@pytest.mark.parametrize("text, words", NEIGHBOURS.items())
def test_what_stands_beside_an_overwrite_is_told_apart(text, words):
    decoded = decode(text)
    assert (
        decoded.readings == () and words in decoded.sorry and "not PyTorch's" not in decoded.sorry
    )


@pytest.mark.parametrize("bad", [None, 3, b"bytes", RuntimeError(REPORTED)])
def test_what_is_no_text_raises(bad):
    with pytest.raises(TypeError, match="decode takes the text of an error"):
        decode(bad)


def test_what_is_pasted_is_shown_as_text():
    text = ANOMALY.replace("x = self.act(x)", "<script>alert(1)</script>")
    html = decode(text).html()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_the_short_form_says_saver_writer_and_cure_as_text():
    html = decode(ANOMALY.replace("x = self.act(x)", "<b>")).folded([("`a`", "b")])
    assert "<dt>Saved by</dt><dd><code>&lt;b&gt;</code> (line 34" in html
    assert "<dt>Most likely cure</dt><dd><code>a</code></dd><dt>Or</dt><dd>b</dd>" in html
    assert html.index("</dl>") < html.index("<details>") < html.index('<table class="parts"')
    assert html.count("Overwritten by") == 1 and "Overwritten by" not in decode(LEAF).folded([()])
    for one in SUSPECTS:
        filled = (one.saved + one.wrote).format(op="Mul", writes="*=", turned="")
        assert one.saved and one.wrote and "{" not in filled


def test_the_table_says_what_the_text_says():
    decoded = decode(LABEL + LEAF)
    html = decoded.html()
    assert (
        html.count('<th scope="row">') == len(decoded.readings[0].parts) and html.count("<li>") == 1
    )
    assert html.count("Message ") == 2 and 'role="status"' in html
    assert decoded._repr_mimebundle_() == {"text/plain": str(decoded), "text/html": html}


# The field


@pytest.fixture(autouse=True)
def nothing_typed():
    live._typed.clear()
    yield
    live._typed.clear()


def test_the_field_shows_what_is_in_it():
    field = decoder(REPORTED)
    assert field.field.value == REPORTED and "Relu is the saver" in field.result.value
    assert (
        str(field.paste(LABEL)) == str(decode(LABEL)) and "Labels, an index" in field.result.value
    )
    field.paste("")
    assert "<p>" not in field.result.value and field.field.value == ""


def test_the_field_has_a_label_and_a_focus_ring():
    field = decoder()
    assert field.field.description == "Error text" and "ow-knob" in field.box._dom_classes
    assert "textarea{border" in field.result.value


def test_nothing_typed_is_lost_when_the_cell_runs_again():
    field = decoder(REPORTED)
    field.field.value = "half a mess"  # as a hand would
    assert decoder(REPORTED).field.value == "half a mess"
    field.paste(LABEL)  # as code would
    assert decoder(REPORTED).field.value == "half a mess"
    field.field.value = "  "
    assert decoder(REPORTED).field.value == REPORTED


def test_what_a_notebook_keeps_of_it(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append(bundle))
    decoder(REPORTED)._ipython_display_()
    assert (
        shown[0]["text/plain"] == str(decode(REPORTED))
        and "Run this cell to paste" in shown[0]["text/html"]
    )
    assert shown[0]["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_a_compiled_graph_is_no_function_of_the_learners():
    said = decode(
        "[torch.FloatTensor [4]], which is output 1 of CompiledFunctionBackward, is at version 2; expected version 1"
    )
    assert said.readings[0].names == ("compiled",) and "TORCH_COMPILE_DISABLE=1" in str(said)


@pytest.mark.parametrize(
    "part",
    [
        "x",
        "[torch.FloatTensor [",
        "Tensor",
        MODIFIED,
        REPORTED,
        LEAF,
        "Error detected in ",
        "<b>&amp;",
    ],
)
def test_a_long_text_is_answered_quickly(part):
    begun = time.process_time()
    decode(part * (200_000 // len(part))).html()
    assert time.process_time() - begun < 3


def test_a_log_of_thousands_is_not_answered_a_thousand_times():
    decoded = decode("\n".join(of("T", "[4, 3]", n + 1, n) for n in range(1000)))
    assert (
        len(decoded.readings) == MOST
        and decoded.sorry == f"1000 messages; here are the first {MOST}."
    )


def test_it_asks_no_pytorch():
    """It runs in the site's front page too; what is kept out here, nothing below imports either."""
    code = (
        "import sys, types; sys.modules['torch'] = None; face = types.ModuleType('overwritten'); "
    )
    code += f"face.__path__ = [{str(ROOT / 'overwritten')!r}]; sys.modules['overwritten'] = face; "
    code += "import overwritten.lesson.shows.likest as it; print(it.SHOWN)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "3\n", done.stderr


def test_a_long_text_without_blanks_is_read_in_one_go():
    """200,000 letters took minutes when each of them could begin a name."""
    assert decode("x" * 200_000).sorry == NO_MESSAGE
