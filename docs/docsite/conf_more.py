# Appended to the configuration that antsibull-docs writes: the guides are Markdown, and nothing is fetched.
extensions += ["myst_parser"]  # noqa: F821 pylint: disable=undefined-variable
extensions.remove("sphinx.ext.intersphinx")
myst_heading_anchors = 3
pygments_style = "default"
# links from the guides into the code, and references into Ansible's own documentation, lead out of this site
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure", "ref.ref"]
