"""Answers nobody expects, by exercise: RIGHT {what it does: source}, WRONG {…: (source, words)}.

They were written from the lessons' text alone, ten of each an exercise, before anyone looked at
the checks. `words` must stand in the message: a reason speaks about this answer.
"""

from textwrap import indent

HOOKS = "with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):"
CLONING = "with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):"
UNSAFE = "with torch.autograd._unsafe_preserve_version_counter({}):"
ALLOWED = "with torch.autograd.graph.allow_mutation_on_saved_tensors():"


def body(signature: str):
    """The source of a function `f` with this signature, from the text of its body."""
    return lambda text: f"def f({signature}):\n{indent(text.strip(chr(10)), '    ')}\n"


def inside(block: str, text: str) -> str:
    """The text within a block: `with …:` or `for …:`."""
    return f"{block}\n{indent(text.strip(chr(10)), '    ')}"


def respelled(exercise, how: str) -> str:
    """The solution of an exercise that asks for words, each word `w` written as `how` says."""
    solution = exercise.solution().message
    name = [line for line in solution.splitlines() if " = " in line and line[0].isalpha()][-1]
    return f"{solution}\nanswer = {{k: {how} for k, w in {name.partition(' = ')[0]}.items()}}\n"


#: Spellings of a word that mean what it says.
SPELLINGS = {
    "capital": "w.capitalize()",
    "upper case": "w.upper()",
    "title": "w.title()",
    "spaces around": "f'  {w} '",
    "full stop": "f'{w}.'",
    "quoted": "repr(w)",
    "backticks": "f'`{w}`'",
    "line feed": "w + chr(10)",
    "bold": "f'**{w}**'",
    "exclaimed": "f'{w}!'",
}


def spelled(exercise) -> dict[str, str]:
    """Ten right answers to an exercise that asks for words."""
    return {what: respelled(exercise, how) for what, how in SPELLINGS.items()}
