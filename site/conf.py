"""Sphinx's settings for `make site`. tools/build_site.py lays the notebooks beside this file."""

project = html_title = "Overwritten"
copyright = "2026 The Overwritten authors. Lessons: CC BY 4.0, code: MIT"
extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["README.md"]  # index.md includes parts of it
smartquotes = False  # it would turn --strict into –strict

nb_execution_mode = "off"
nb_code_prompt_show = "Show what it prints"  # what settles a question is folded
nb_code_prompt_hide = "Hide what it prints"
nb_mime_priority_overrides = [("html", "text/html", 0)]  # a widget would need a kernel

html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_repository_button": True,
    "use_download_button": False,
    "home_page_in_toc": True,
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
