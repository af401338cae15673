"""A conversation's document as one HTML page: no script, nothing loaded from elsewhere, fit to print."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from tui.claims import line_of
from tui.export.markdown import conversation_markdown

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def conversation_html(document: Mapping[str, Any]) -> str:
    """The whole conversation as a page.

    Args:
        document: as `agent.transcript` gives it.
    """
    from markdown_it import MarkdownIt

    # Tags in texts are shown as text; pictures would be loaded from elsewhere.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    style = files("tui").joinpath("export/page.css").read_text(encoding="utf-8")
    body = markdown.render(conversation_markdown(document))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(line_of(document.get('session')))}, a conversation with llm-advisor</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
