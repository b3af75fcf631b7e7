"""Run small programs under the Python that runs this file, each in a process of its own.

The idea: torch is imported once, then each program gets a fork of this process and a time
limit, so one that hangs or crashes costs only itself. Programs come as JSON on stdin,
`{"name": "code", …}`; what came of them goes as JSON to stdout. Needs torch and nothing else;
no Windows, for that has no fork.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys

import torch

SECONDS = 600.0


def run(code: str, seconds: float = SECONDS) -> dict:
    """{"holds": [bool, …]} as the program left it, [] where it left none; or {"error": sentence}.

    An error of the program's own comes with "type" and "text", word for word.
    """
    there, here = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_child, args=(code, here))
    child.start()
    here.close()
    try:
        if there.poll(seconds):
            return there.recv()
        return {"error": f"did not end within {seconds:g} seconds"}
    except EOFError:
        child.join()
        return {"error": f"ended its process with exit code {child.exitcode}"}
    finally:
        child.kill()
        child.join()


def _child(code, pipe):
    os.dup2(2, 1)  # what a program prints, or Gloo, is no part of the answer
    names = {"__name__": "snippet"}
    try:
        exec(compile(code, "snippet", "exec"), names)
        holds = names.get("holds", [])
        many = holds if isinstance(holds, (list, tuple)) else [holds]
        pipe.send({"holds": [bool(one) for one in many]})
    except BaseException as error:
        kind, text = type(error).__name__, str(error)
        pipe.send(
            {"error": f"raised {kind}: {text.partition(chr(10))[0]}", "type": kind, "text": text}
        )


def main() -> None:
    told = json.load(sys.stdin)
    if len(told["programs"]) > 10:
        from torch import _dynamo  # noqa: F401  a step or a checkpoint would: 2 seconds in each fork
    ran = {name: run(code, told["seconds"]) for name, code in told["programs"].items()}
    json.dump(
        {"torch": torch.__version__, "python": sys.version.split()[0], "ran": ran}, sys.stdout
    )


if __name__ == "__main__":
    main()
