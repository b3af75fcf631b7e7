"""The README as PyPI shows it: a link to a file of this repository leads to GitHub, at the release.

All else about the package stands in pyproject.toml.
"""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent


def readme() -> str:
    """README.md; its pictures and links hold from anywhere."""
    slug = re.search(
        r'^Repository = "https://github\.com/(.+)"',
        (HERE / "pyproject.toml").read_text("utf8"),
        re.M,
    )[1]
    version = re.search(
        r'^__version__ = "(.+)"', (HERE / "overwritten" / "__init__.py").read_text("utf8"), re.M
    )[1]
    page = f"https://github.com/{slug}/blob/v{version}/"
    picture = f"https://raw.githubusercontent.com/{slug}/v{version}/"
    text = (HERE / "README.md").read_text("utf8")
    text = re.sub(r"(\]\()(?![a-z]+:|#)", rf"\1{page}", text)
    return re.sub(r'((?:src|srcset)=")(?![a-z]+:)', rf"\1{picture}", text)


setup(long_description=readme(), long_description_content_type="text/markdown")
