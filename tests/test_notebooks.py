"""The built notebooks: sound, as their sources say, the same when a cell runs twice."""

import ast
import base64
import copy
import io
import re
import shutil
import subprocess
import sys

import jupytext
import matplotlib.image
import matplotlib.pyplot
import nbformat
import pytest
from PIL import Image

import badges
import build_notebooks
from conftest import LEARN, LESSONS, NOTEBOOKS, ONE_LESSON, ROOT
from structure import problems

PNG = "image/png"
each_page = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def source_of(path):
    return ROOT / "lessons_src" / f"{path.stem}.py"


def test_there_are_lessons():
    assert (
        [p.stem for p in NOTEBOOKS]
        == sorted(p.stem for p in (ROOT / "lessons_src").glob("*.py"))
        != []
    )


@each_page
def test_the_source_is_spelt_as_jupytext_spells_it(path):
    """Else the first save in `make author` would change lines that nobody touched."""
    notebook = build_notebooks.notebook_from(source_of(path))
    notebook.metadata["jupytext"] = {
        "notebook_metadata_filter": "-all",
        "cell_metadata_filter": "tags,jupyter,-all",
    }
    assert jupytext.writes(notebook, fmt="py:percent") == source_of(path).read_text("utf8")


@each_page
def test_sound(path):
    assert problems(read(path)) == []


def test_notebooks_are_what_the_sources_give():
    """All but the outputs; those are compared below, where every cell runs twice."""
    assert build_notebooks.main(["--check", "--no-kernel"]) == 0


def test_badges_are_stamped():
    assert badges.main(["--check"]) == 0


@each_page
def test_badge_path_tag_and_setup_agree(path):
    slug, tag = badges.slug_and_tag(ROOT)
    text = source_of(path).read_text("utf8")
    readme = (ROOT / "README.md").read_text("utf8")
    for words in (text, readme):
        assert (
            f"https://colab.research.google.com/github/{slug}/blob/{tag}/notebooks/learn/{path.name})"
            in words
        )
        assert (
            f"https://mybinder.org/v2/gh/{slug}/{tag}?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F{path.name})"
            in words
        )
        assert (
            f"https://kaggle.com/kernels/welcome?src=https://github.com/{slug}/blob/{tag}/notebooks/learn/{path.name})"
            in words
        )
    assert re.findall(r"git\+https://\S+?(?=\")", text) == [f"git+https://github.com/{slug}@{tag}"]


def alike(one, other):
    """Up to what another processor's rounding makes of a trained curve."""
    one, other = (
        matplotlib.image.imread(io.BytesIO(base64.b64decode(png))) for png in (one, other)
    )
    return one.shape == other.shape and abs(one - other).mean() < 0.002


def test_another_picture_is_not_alike():
    def png(points):
        figure, axes = matplotlib.pyplot.subplots()
        axes.plot(points)
        bytes_ = io.BytesIO()
        figure.savefig(bytes_, format="png")
        matplotlib.pyplot.close(figure)
        return base64.b64encode(bytes_.getvalue())

    assert alike(png([1, 2, 3]), png([1, 2.001, 3])) and not alike(png([1, 2, 3]), png([3, 2, 1]))


@pytest.mark.parametrize("path", ONE_LESSON)
def test_every_cell_run_twice_gives_the_same_outputs(path):
    built, doubled = read(path), read(path)
    doubled.cells = [
        c
        for cell in doubled.cells
        for c in ([cell, copy.deepcopy(cell)] if cell.cell_type == "code" else [cell])
    ]
    for number, cell in enumerate(doubled.cells):
        cell.id = f"cell-{number}"
    build_notebooks.run(doubled, path.parent)
    runs = iter(cell for cell in doubled.cells if cell.cell_type == "code")
    for cell in built.cells:
        if cell.cell_type == "code":
            for _ in range(2):
                outputs, wanted = copy.deepcopy(next(runs).outputs), copy.deepcopy(cell.outputs)
                for output, stored in zip(outputs, wanted):
                    if "execution_count" in output:
                        output.execution_count = cell.execution_count
                    if "figure" in cell.metadata.get("tags", []) and PNG in output.get("data", {}):
                        assert alike(output.data.pop(PNG), stored.data.pop(PNG)), (
                            f"{cell.id} draws something else"
                        )
                        del output.data["text/html"], stored.data["text/html"]  # the same, drawn
                assert outputs == wanted, f"{cell.id} gives something else"


@each_lesson
def test_the_lesson_has_its_fixed_parts(path):
    text = source_of(path).read_text("utf8")
    headings = re.findall(r"^# (#{1,2} .+)$", text, re.M)
    assert headings[0].startswith("# ") and headings[-3:] == [
        "## Recap",
        "## For your own code",
        "## Further reading",
    ]
    assert re.search(r"\*\*About \d+ minutes\.\*\* You need", text)
    assert len(re.findall(r"^# \d\. ", text[text.index("## Recap") :], re.M)) == 5
    assert text.count("\npredict(") >= 5 and text.count(".check(") >= 3
    assert "knob(" in text and "film(" in text
    minutes = sum(map(int, re.findall(r"^# ## .*\((\d+) minutes\)", text, re.M)))
    assert minutes == int(re.search(r"About (\d+) minutes", text)[1]), (
        f"the sections add up to {minutes} minutes"
    )


@each_page
def test_code_is_short_and_not_clipped(path):
    for cell in read(path).cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            lines = cell.source.splitlines()
            wide = [line for line in lines if len(line) > 68 and "git+https" not in line]
            assert not wide, f"{cell.id}: clipped at 125 % zoom: {wide}"
            assert len(lines) <= 12, f"{cell.id}: too long for one idea"


@each_page
def test_a_questions_cell_is_one_line(path):
    for cell in read(path).cells:
        if "predict" in cell.metadata.get("tags", ()) or cell.source.startswith("predict("):
            assert re.fullmatch(r"predict\(questions\.\w+\)", cell.source)


# Each way to break a built notebook must be noticed by some part of the suite.


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def first(notebook, start):
    return next(cell for cell in code_cells(notebook) if cell.source.startswith(start))


def never_run(nb):
    first(nb, "film(").update(execution_count=None, outputs=[])


def out_of_order(nb):
    code_cells(nb)[1].execution_count, code_cells(nb)[2].execution_count = 3, 2


def missing_figure(nb):
    next(c for c in code_cells(nb) if "figure" in c.metadata.get("tags", [])).outputs = []


def blank_figure(nb):
    white, out = Image.new("RGB", (600, 300), "white"), io.BytesIO()
    white.save(out, "PNG")
    cell = next(c for c in code_cells(nb) if "figure" in c.metadata.get("tags", []))
    cell.outputs[0].data["image/png"] = base64.b64encode(out.getvalue()).decode()


def does_not_raise(nb):
    code_cells(nb)[1].metadata["tags"] = ["raises-exception"]


def missing_film(nb):
    first(nb, "film(").outputs[0].data.pop("text/html")


def changed_id(nb):
    nb.cells[3].id = "something-else"


def changed_source(nb):
    nb.cells[0].source += "\nOne more sentence."


def changed_metadata(nb):
    nb.cells[0].metadata["tags"] = ["touched"]


STRUCTURAL = [never_run, out_of_order, missing_figure, blank_figure, does_not_raise, missing_film]
DRIFTED = [never_run, out_of_order, does_not_raise, changed_id, changed_source, changed_metadata]


@pytest.mark.parametrize("mutate", STRUCTURAL)
def test_the_structural_check_notices(mutate):
    notebook = read(LESSONS[0])
    mutate(notebook)
    assert problems(notebook)


@pytest.mark.parametrize("mutate", DRIFTED)
def test_the_drift_check_notices(mutate, tmp_path):
    for folder in ("lessons_src", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "notebooks" / LESSONS[0].name
    notebook = read(path)
    mutate(notebook)
    nbformat.write(notebook, path)
    assert build_notebooks.drift(source_of(path), path)
    assert build_notebooks.main(["--check", "--no-kernel", "--root", str(tmp_path)]) == 1


def no_copy(path):
    path.unlink()


def copy_with_an_output(path):
    path.write_text((LEARN.parent / path.name).read_text("utf8"), "utf8")


def copy_left_over(path):
    shutil.copy(path, path.with_name("99_old.ipynb"))


@pytest.mark.parametrize("mutate", [no_copy, copy_with_an_output, copy_left_over])
def test_the_drift_check_notices_a_learners_copy(mutate, tmp_path, capsys):
    for folder in ("lessons_src", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    mutate(tmp_path / "notebooks" / "learn" / LESSONS[0].name)
    assert build_notebooks.main(["--check", "--no-kernel", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and said[0].startswith("learn/")


def test_drift_with_a_notebook_missing_or_left_over(tmp_path):
    shutil.copytree(ROOT / "lessons_src", tmp_path / "lessons_src")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "old.ipynb").write_text("{}")
    assert build_notebooks.main(["--check", "--no-kernel", "--root", str(tmp_path)]) == 1


def wrong_text(nb):
    cell = next(c for c in code_cells(nb) if c.outputs and c.outputs[0].output_type == "stream")
    cell.outputs[0].text = cell.outputs[0].text.replace("False", "True")


def missing_output(nb):
    next(
        c for c in code_cells(nb) if c.outputs and c.outputs[0].output_type == "stream"
    ).outputs = []


def extra_output(nb):
    code_cells(nb)[1].outputs.append(
        nbformat.v4.new_output("stream", name="stderr", text="hello\n")
    )


def wrong_picture(nb):
    data = first(nb, "film(").outputs[0].data
    data["text/html"] = data["text/html"].replace("A+4", "A+5")


def wrong_sentence(nb):
    data = first(nb, "film(").outputs[0].data
    data["text/plain"] = data["text/plain"].replace("version 1", "version 2")


def wrong_question(nb):
    data = first(nb, "predict(").outputs[0].data
    data["text/html"] = data["text/html"].replace("✗", "✓")


COMPARED = [wrong_text, missing_output, extra_output, wrong_picture, wrong_sentence, wrong_question]


def test_nbval_notices_each_changed_output(tmp_path):
    """After sound cells each changed one: just those fail."""
    notebook = read(LESSONS[0])
    upto = notebook.cells.index(first(notebook, "film(")) + 5  # enough cells to hold one of each
    sound, wrong = notebook.cells[:upto], []
    for mutate in COMPARED:
        notebook.cells = copy.deepcopy(sound)
        mutate(notebook)
        (changed,) = [cell for cell, was in zip(notebook.cells, sound) if cell != was]
        wrong.append(changed | {"id": mutate.__name__})
    notebook.cells = [*sound, *map(nbformat.from_dict, wrong)]
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    command = [sys.executable, *build_notebooks.NBVAL, "-c", "/dev/null", tmp_path]
    out = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout
    failed = [int(number) for number in re.findall(r"^FAILED \S+::Cell (\d+)", out, re.M)]
    end = len(code_cells(notebook))
    assert failed == [*range(end - len(wrong), end)], out
