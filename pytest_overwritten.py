"""pytest --overwritten: each test runs under the doctor, and a failure names both lines.

The idea: a watch around each test with its fixtures; what it finds, also in an error that the
test catches, stands in the report's own section, so it reaches xdist, JUnit files and `-rA` alike.
It lies outside the package, whose import brings torch: without the option nothing is loaded.
"""

import pytest


def pytest_addoption(parser):
    group = parser.getgroup("overwritten", "tensors that backward needs and that were overwritten")
    group.addoption("--overwritten", action="store_true", help="run each test under the doctor")
    group.addoption(
        "--overwritten-strict",
        action="store_true",
        help="as --overwritten, and tell of gradients that may be wrong although nothing raises",
    )


def pytest_configure(config):
    strict = config.getoption("overwritten_strict")
    if strict or config.getoption("overwritten"):
        config.pluginmanager.register(Doctor(strict), "overwritten-doctor")


class Doctor:
    """The hooks of a run with `--overwritten`."""

    def __init__(self, strict):
        self.strict, self.eyes, self.told = strict, None, 0

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        from overwritten.doctor.block import Doctor as Eyes

        self.told = 0
        with Eyes(self.strict) as self.eyes:
            yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        from overwritten.doctor.report import silent_text

        report = (yield).get_result()
        found = [one.text() for one in self.eyes.all] + [*map(silent_text, self.eyes.silent)]
        # what was captured, too: Python 3.10 has no notes, there each diagnosis is on stderr
        shown = "\n".join([report.longreprtext, *(content for _, content in report.sections)])
        new = [
            text
            for text in found[self.told :]
            if not all(line in shown for line in text.splitlines())
        ]
        self.told = len(found)
        if new:
            report.sections.append(("overwritten", "\n\n".join(new)))
