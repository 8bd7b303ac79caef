"""What the reference pages say about the code, read from the code: each module's `markdown()` is one part.

`python -m docs.generate.NAME` prints it; `mkdocs build` puts it where a page says `<!-- generated: NAME -->`.
"""
