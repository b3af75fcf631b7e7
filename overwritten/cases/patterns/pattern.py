"""What each pattern of the field guide holds. Plain data; programs are run by others.

The programs find torch, nn (torch.nn) and F (torch.nn.functional) imported and the random
seed at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What a program needs in a file of its own.
HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\ntorch.manual_seed(0)\n"


@dataclass(frozen=True, eq=False)  # each is itself alone, and so a key
class Pattern:
    """One way to an error of PyTorch's about in-place operations, or to a wrong gradient without one.

    given: what all its programs begin with. wrong: the lines that go wrong; of those that
    overwrite a saved tensor, the saving line ends with '# saver', each line that writes
    afterwards with '# writer'; in silent ones, the lines that strict mode names. right: instead of them, the cure; does: the cure in a sentence.
    folk: what people write instead, vain: as lines, because: why that is no cure, or what it costs.
    right and vain are lines too, or {line of wrong: what stands in its place, '' for nothing}.
    group: what the reader can tell from the message, a key of `overwritten.doctor.reading.SUSPECTS`;
    'refused' for errors with another text, 'silent' for none.
    says, ends: what trigger and folk cure end with, as 'Relu, 1; expected 0', as a kind of
    `overwritten.messages.KINDS`, or as a verdict of `overwritten.record.trial`.
    saver, writers, cure: what the doctor finds, writers in the order of the marked lines.
    thread: a public one to read on, '' where none is known. by_hand: a program with the cure's
    gradients that writes nothing in place. no_twin: why the cure is not meant to compute what
    the trigger would with every saved tensor cloned.
    """

    name: str
    group: str
    given: str
    wrong: str
    right: str | dict[str, str]
    does: str
    folk: str
    vain: str | dict[str, str]
    because: str
    says: str
    ends: str
    saver: str = ""
    writers: tuple[str, ...] = ()
    cure: str = ""
    thread: str = ""
    by_hand: str = ""
    no_twin: str = ""

    def _after(self, lines: str) -> str:
        return f"{self.given.strip()}\n\n{lines.strip()}\n"

    @property
    def trigger(self) -> str:
        return self._after(self.wrong)

    @property
    def unmarked(self) -> str:
        """The trigger without the marks, for a film."""
        return _unmarked(self.trigger)

    @property
    def cure_lines(self) -> str:
        return self._instead(self.right)

    @property
    def folk_lines(self) -> str:
        return self._instead(self.vain)

    def _instead(self, change) -> str:
        if isinstance(change, str):
            return change.strip()
        lines = _unmarked(self.wrong.strip()).split("\n")
        return "\n".join(change.get(line, line) for line in lines if change.get(line) != "")

    @property
    def cured(self) -> str:
        return self._after(self.cure_lines)

    @property
    def folk_cured(self) -> str:
        return self._after(self.folk_lines)

    @property
    def file(self) -> str:
        """The file name that its trigger is compiled with."""
        return f"<pattern {self.name}>"

    def marked(self, mark: str) -> list[int]:
        """The numbers of the trigger's lines that end with '# saver' or '# writer'."""
        return [n for n, line in enumerate(self.trigger.split("\n"), 1) if line.endswith(f"  # {mark}")]


def _unmarked(lines):
    return "\n".join(line.partition("  # ")[0] for line in lines.split("\n"))
