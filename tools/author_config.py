"""JupyterLab settings of `make author`: a save writes the notebook and its lesson source."""

c = get_config()  # noqa: F821  (JupyterLab provides it)
c.JupytextConfiguration.formats = "notebooks//ipynb,lessons_src//py:percent"  # not learn/
c.JupytextConfiguration.notebook_metadata_filter = "-all"
c.JupytextConfiguration.cell_metadata_filter = "tags,jupyter,-all"
