"""The documentation: pages in Markdown, and the code that writes the generated parts of them."""
