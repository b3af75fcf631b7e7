"""Answers in a real JupyterLab: kept as a learner clicks, back after the kernel was killed."""

import os
import shutil
import signal

import pytest

from conftest import LEARN, LESSONS, PATIENCE, jupyterlab, looking
from overwritten.lesson.store import parsed

#: Cells run one after the other, as with Shift+Enter, the first with `source` if it is given.
RUN = """async ([from, to, source]) => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  if (source) panel.content.widgets[from].model.sharedModel.setSource(source);
  for (panel.content.activeCellIndex = from; from < to; panel.content.activeCellIndex = ++from)
    if (panel.content.activeCell.model.type === 'code') await app.commands.execute('notebook:run-cell');
  const outputs = panel.content.widgets[to - 1].model.outputs;
  return (outputs?.toJSON() ?? []).map(o => o.text ?? o.data?.['text/plain'] ?? o.evalue).join('');
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(
  c => c.model.type === 'code' ? c.model.sharedModel.source : '')"""
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
OPEN = "question => [...question.querySelectorAll('details[open] summary')].map(s => s.textContent)"
SAVED = """async () => {
  await window.jupyterapp.commands.execute('docmanager:save');
  return window.jupyterapp.shell.currentWidget.context.path;
}"""
AGAIN = """async path => {
  await window.jupyterapp.restored;
  await window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
}"""
#: As if the hidden fields were drawn only now.
LATE = """() => {
  const fields = document.querySelectorAll('.ow-choice');
  fields.forEach(field => field.classList.remove('ow-choice'));
  setTimeout(() => fields.forEach(field => field.classList.add('ow-choice')), 700);
}"""
#: What a reader sees of the output that holds a question, beside the question.
BESIDE = """questions => questions.flatMap(question => {
  const mine = question.closest('.jp-OutputArea-child');
  return [...mine.parentElement.children].filter(e => e !== mine && e.checkVisibility())
    .map(e => e.innerText + (e.matches('.jp-OutputArea-child') ? e.getBoundingClientRect().height : ''));
})"""


class Learner:
    """Someone at work in lesson 1, whose answers are kept beside the notebook."""

    def __init__(self, look, folder):
        self.page, self.ask, self.file = look.page, look.ask, folder / "overwritten_answers.json"
        self.questions = look.page.locator(".ow-ask")

    def cell(self, words) -> int:
        return next(at for at, source in enumerate(self.page.evaluate(CELLS)) if words in source)

    def run(self, start, end, source="") -> str:
        return self.page.evaluate(RUN, [start, end, source])

    def kept(self, count) -> dict:
        """The file's entries, {name: choice or source}, once it holds so many."""
        for _ in range(10 * PATIENCE):
            entries = parsed(self.file.read_text("utf8")) if self.file.exists() else {}
            if len(entries) == count:
                break
            self.page.wait_for_timeout(100)
        return {
            name: entry.get("choice") or entry["source"] for (_, _, name), entry in entries.items()
        }

    def kill(self):
        os.kill(self.ask("import os; print(os.getpid())"), signal.SIGKILL)
        self.page.get_by_role("dialog", name="Kernel Restarting").get_by_role(
            "button", name="Ok"
        ).click()
        self.page.wait_for_function(IDLE)


@pytest.fixture(scope="module")
def desk(home, tmp_path_factory):
    """(folder with lesson 1, address of a JupyterLab that serves it and keeps answers there)."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(LEARN / LESSONS[0].name, folder)
    environment = {key: value for key, value in home[1].items() if key != "OVERWRITTEN_ANSWERS"}
    flags = [f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"]
    with jupyterlab(folder, folder / "lab.log", environment, *flags) as address:
        yield folder, address


@pytest.fixture()
def learner(browser, desk):
    folder, address = desk
    with looking(browser, address, folder, LESSONS[0].name) as look:
        yield Learner(look, folder)
    (folder / "overwritten_answers.json").unlink(missing_ok=True)


RIGHT = "def add_in_place(x, k):\n    return x.add_(k)  # mine\n\n\nexercises.add_in_place.check(add_in_place)"


@pytest.mark.slow  # in the gate: 200 kills without a browser, in test_answers
def test_a_kernel_killed_after_half_a_lesson_loses_nothing(learner):
    assert not learner.file.exists(), "who answers nothing has no file"
    chosen = ["Ones: `y += 1` makes a new tensor for `y`", "`x += 1` and `x.add_(1)`"]
    chosen.append("`x[:, 1:]`: its numbers do not lie side by side")
    first, second, third = (
        question.get_by_text(choice.replace("`", ""), exact=True)
        for question, choice in zip(learner.questions.all(), chosen)
    )
    first.click()
    learner.questions.first.locator("details:not([open]) summary").first.click()
    second.focus()
    learner.page.keyboard.press("Enter")
    learner.page.evaluate(LATE)
    third.click()
    exercise = learner.cell("exercises.add_in_place.check(")
    template = learner.page.evaluate(CELLS)[exercise]
    assert "✓ right" in learner.run(exercise, exercise + 1, RIGHT)
    assert sorted(learner.kept(4).values()) == sorted([*chosen, RIGHT])

    learner.kill()
    cells = learner.page.evaluate(CELLS)
    learner.run(0, len(cells) // 2)
    for question, choice in zip(learner.questions.all(), chosen):
        assert question.evaluate(OPEN) == [choice.replace("`", "") + " (your earlier choice)"]
    assert learner.questions.nth(3).evaluate(OPEN) == []
    said = learner.run(exercise, exercise + 1, template)
    assert (
        "not attempted" in said
        and "kept (right): `exercises.add_in_place.restore()` brings it back" in said
    )
    assert "restored" in learner.run(exercise, exercise + 1, "exercises.add_in_place.restore()")
    assert learner.page.evaluate(CELLS)[exercise + 1] == RIGHT
    assert "✓ right" in learner.run(exercise + 1, exercise + 2)

    # another machine: nothing there but the file that was saved
    import_cell = learner.cell("import torch")
    learner.run(exercise, exercise + 1, "from overwritten import answers\nanswers.download()")
    with learner.page.expect_download() as download:
        learner.page.get_by_role("link", name="Save overwritten_answers.json").click()
    learner.kill()
    before = learner.kept(4)
    learner.file.unlink()
    learner.run(import_cell, import_cell + 1)
    learner.run(exercise, exercise + 1, "from overwritten import answers\nanswers.restore_from()")
    with learner.page.expect_file_chooser() as chooser:
        learner.page.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(download.value.path())
    learner.page.get_by_text("Restored 3 predictions and 1 exercise answer.").wait_for()
    assert learner.kept(4) == before


@pytest.mark.slow
def test_the_hidden_field_is_never_seen(learner):
    learner.questions.last.locator("summary").first.click()
    learner.kept(1)
    assert learner.questions.evaluate_all(BESIDE) == [""] * learner.questions.count(), (
        "only the prompt's overlay"
    )
    path = learner.page.evaluate(SAVED)
    learner.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    learner.page.reload()
    learner.page.wait_for_function("() => window.jupyterapp")
    learner.page.evaluate(
        AGAIN, path
    )  # the outputs as saved, and a kernel that knows none of their widgets
    learner.page.get_by_text("Error displaying widget: model not found").first.wait_for(
        state="attached"
    )
    learner.page.wait_for_function(IDLE)
    assert (
        learner.questions.evaluate_all(BESIDE) == [""] * learner.questions.count()
        and learner.questions.count() == 7
    )
    learner.questions.first.locator("summary").first.click()
    assert "✗ Not so." in learner.questions.first.inner_text()
