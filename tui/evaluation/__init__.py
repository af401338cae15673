"""Results of `evaluate` as text, Markdown and a page."""
