"""What nbval does not see in a built notebook: cells that never ran, figures that are blank."""

import base64
import io

from PIL import Image


def problems(notebook) -> list[str]:
    """One line for each fault; [] for a sound notebook."""
    found, expected = [], 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        expected += 1
        tags, outputs = cell.metadata.get("tags", []), cell.outputs
        if cell.execution_count is None:
            found.append(f"{cell.id}: never run")
        elif cell.execution_count != expected:
            found.append(f"{cell.id}: run as number {cell.execution_count}, not {expected}")
        raised = any(output.output_type == "error" for output in outputs)
        if raised != ("raises-exception" in tags):
            found.append(
                f"{cell.id}: "
                + ("raises without the tag" if raised else "tagged, but does not raise")
            )
        pictures = [
            output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
        ]
        if "figure" in tags and not pictures:
            found.append(f"{cell.id}: the figure is missing")
        found += [f"{cell.id}: the figure is blank" for png in pictures if _blank(png)]
        html = "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
        if cell.source.startswith("film(") and not ("data-film=" in html and "<img" in html):
            found.append(f"{cell.id}: the film is missing")
    return found


def _blank(png) -> bool:
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("L")
    except OSError:
        return True
    darkest, lightest = picture.getextrema()
    return min(picture.size) < 100 or lightest - darkest < 50
