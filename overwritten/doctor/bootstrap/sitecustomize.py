"""How a watched program hands the doctor on to every Python that it starts: by the environment.

The idea: this folder stands first on the PYTHONPATH of children, and of nobody else, so a child
runs this file at its start. It takes every trace of itself away (the folder from `sys.path`, both
variables from `os.environ`), lets a `sitecustomize` that was there before do its work, and waits:
only when the child imports torch does anything of this package load.
It knows nothing of torch or of the package, and any Python from 3.6 on can read it. A Python that
ignores its environment (`-I`, `-E`, `-S`) is not reached.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = "OVERWRITTEN_CHILDREN"
#: The calls that start a program, and which of their arguments is its environment, if it has one.
STARTS = (
    *(("_posixsubprocess", "fork_exec", 5), ("subprocess", "_fork_exec", 5)),
    *(("os", "posix_spawn", 2), ("os", "posix_spawnp", 2)),
    *(("os", "execve", 2), ("os", "execv", 2), ("os", "system", 1)),
)


def hand_on(options):
    """From now on every Python that this process starts gets `options`; return what undoes it.

    `os.environ` stays as the program knows it: only the environment under it, which children
    inherit, and one that the program makes for them get the two variables.
    """
    try:
        import _posixsubprocess  # noqa: F401 - before `subprocess` takes its function from there
    except ImportError:
        pass  # Windows: what is started with an environment of its own is not reached
    starts = [(sys.modules.get(module), name, at) for module, name, at in STARTS]
    starts = [(place, name, at) for place, name, at in starts if hasattr(place, name)]
    were = [(place, name, getattr(place, name)) for place, name, _ in starts]
    for place, name, at in starts:
        setattr(place, name, _with_ours(getattr(place, name), at, options))
    _inherit(options)

    def undo():
        for place, name, was in were:
            setattr(place, name, was)
        for name in ("PYTHONPATH", OPTIONS):
            _put(name, os.environ.get(name))

    return undo


def _with_ours(start, at, options):
    start = getattr(start, "plain", start)  # a doctor inside a doctor's child hands on its own

    def started(*args, **kwargs):
        given = args[at] if len(args) > at else None
        if given is None:
            _inherit(options)
        else:
            args = args[:at] + (_added(given, options),) + args[at + 1 :]
        return start(*args, **kwargs)

    started.plain = start
    return started


def _inherit(options):
    """Again at each start, for the program may have set its PYTHONPATH meanwhile."""
    _put("PYTHONPATH", _path(os.environ.get("PYTHONPATH")))
    _put(OPTIONS, options)


def _put(name, value):
    if value is None:
        os.unsetenv(name)
    else:
        os.putenv(name, value)


def _path(path):
    return HERE + os.pathsep + path if path else HERE


def _added(env, options):
    """env: a mapping, or a list of b"NAME=value" as `subprocess` makes it."""
    if not hasattr(env, "items"):
        pairs = dict(pair.split(b"=", 1) for pair in env)
        return [name + b"=" + value for name, value in _added(pairs, options).items()]
    env = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    path = os.fsdecode(env.get(b"PYTHONPATH", b""))
    env[b"PYTHONPATH"] = os.fsencode(_path(path))
    env[os.fsencode(OPTIONS)] = os.fsencode(options)
    return env


class _Torch:
    """A finder that finds nothing: it calls `then` when torch has been imported."""

    def __init__(self, then):
        self.then = then

    def find_spec(self, name, path=None, target=None):
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = getattr(finder, "find_spec", lambda *_: None)(name, path, target)
            if spec is not None:
                self._after(spec.loader)
                return spec
        return None

    def _after(self, loader):
        then, run = self.then, loader.exec_module

        def exec_module(module):
            del loader.exec_module
            run(module)
            then()

        loader.exec_module = exec_module


def _watch(options):
    """Load this package wherever it lies, without a trace in `sys.path`, and begin."""
    try:
        if "overwritten" not in sys.modules:
            import importlib.util

            package = os.path.dirname(os.path.dirname(HERE))
            file = os.path.join(package, "__init__.py")
            spec = importlib.util.spec_from_file_location(
                "overwritten", file, submodule_search_locations=[package]
            )
            module = sys.modules["overwritten"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        from overwritten.doctor.children import begin_in_a_child

        begin_in_a_child(options)
    except Exception as error:
        if sys.stderr is not None:
            sys.stderr.write(f"overwritten: process {os.getpid()} is not watched: {error}\n")


def _start():
    options = os.environ.pop(OPTIONS)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep, 1)[1:]
    if before:
        os.environ["PYTHONPATH"] = before[0]
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    sys.path_importer_cache.pop(HERE, None)
    hand_on(options)
    sys.meta_path.insert(0, _Torch(lambda: _watch(options)))
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401 - the one that was there before
    finally:
        sys.modules.setdefault("sitecustomize", ours)


if __name__ == "sitecustomize" and OPTIONS in os.environ:
    _start()
