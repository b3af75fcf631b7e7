"""Sphinx's settings for `make site`. tools/build_site.py lays the notebooks beside this file."""

import json
from html import escape
from pathlib import Path

#: Page → title, description, neighbours; from tools/build_site.py.
TOLD = json.loads((Path(__file__).parent / "told.json").read_text("utf8"))

project = html_title = "Overwritten"
copyright = "2026 The Overwritten authors. Lessons: CC BY 4.0, code: MIT"
extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["README.md"]  # index.md includes parts of it
myst_heading_anchors = 3  # the guides link to each other's headings
smartquotes = False  # it would turn --strict into –strict

nb_execution_mode = "off"
nb_code_prompt_show = "Show what it prints"  # what settles a question is folded
nb_code_prompt_hide = "Hide what it prints"
nb_mime_priority_overrides = [
    ("html", "text/html", 0),
    ("linkcheck", "text/plain", 0),
]  # no widgets

html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_repository_button": True,
    "use_download_button": False,
    "home_page_in_toc": True,
    "max_navbar_depth": 1,  # no page lists all patterns and claims at its side
    "back_to_top_button": False,
    "footer_content_items": ["copyright.html"],
    "navbar_persistent": [],  # the side bar has a search field
    "primary_sidebar_end": [],  # no advertisements
}
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_extra_path = ["extra"]  # the README's pictures
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_search_summary = False  # it fetches pages, and no browser lets a file do so
html_use_index = False
copybutton_selector = "div:not(.output) > div.highlight > pre"

# What weekly.yml asks of each link to elsewhere; GitHub shows its anchors by script.
linkcheck_anchors = False
linkcheck_ignore = [r"https://(colab\.research\.google\.com|mybinder\.org)/", r"https://YOUR\.HUB"]
linkcheck_timeout = 20


def of_each_page(app, pagename, templatename, context, doctree):
    """A title and a description in the words in which people search, the same for who shares it;
    of a page that stands in no table of contents, its neighbours."""
    if pagename not in TOLD:
        return
    title, about, *order = TOLD[pagename]
    told = {"og:title": title, "og:description": about, "og:type": "article"}
    told["og:url"] = context["pageurl"]
    metas = [f'<meta name="description" content="{escape(about)}">']
    metas += [f'<meta property="{name}" content="{escape(of)}">' for name, of in told.items()]
    context["title"] = title
    context["metatags"] += "\n".join(metas)
    for side, name in zip(("prev", "next"), order[0] or () if order else ()):
        if name:
            words = app.env.titles[name].astext()
            context[side] = {"link": context["pathto"](name), "title": words}


def setup(app):
    app.connect("html-page-context", of_each_page)
