"""Headings without a parser are those that the parser finds."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from knowledge.corpus import SHIPPED, Guide, load_guides, parse_guide
from knowledge.outline import outline

ODD = (
    "# One\n\ntext\n\n## Two ##\n\n### C# and F#\n\n# Repeated\n\n# Repeated\n",
    "intro\n\n```bash\n# no heading\n```\n\n~~~\n# nor this\n```\n# nor this\n~~~\n\n# Yes\n",
    "Setext one\n==========\n\nSetext two\n---\n\n- item\n---\n\n| a |\n| --- |\n\n# After\n",
    "# A: 1-2 #tag `code` **bold** [link](x.md)\n\n    # indented code\n\n#hashtag\n\n####### seven\n",
    "``` not closed\n# inside\n",
    "#\n\n# \n\ntext\n",
    "Two lines\nof a heading\n---\ntext\n",
)


def _parsed(guide: Guide) -> list[tuple[int, int, str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(guide.lines[guide.body_start :]))
    return [
        (
            guide.body_start + (token.map or [0])[0] + 1,
            int(token.tag[1:]),
            tokens[n + 1].content.replace("\n", " "),
        )
        for n, token in enumerate(tokens)
        if token.type == "heading_open" and not token.level
    ]


def _found(guide: Guide) -> list[tuple[int, int, str]]:
    return [(row.line, row.level, row.text) for row in outline(guide)]


@pytest.mark.parametrize("guide", load_guides((SHIPPED,)), ids=lambda guide: guide.file)
def test_headings_of_the_guides(guide: Guide) -> None:
    assert _found(guide) == _parsed(guide)
    for row in outline(guide):
        assert row.path[-1] == row.text
        assert row.line <= row.last <= len(guide.lines)


@pytest.mark.parametrize("text", ODD)
def test_odd_headings(text: str) -> None:
    guide = parse_guide("odd.md", text)
    assert _found(guide) == _parsed(guide)
