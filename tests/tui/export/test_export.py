"""Exports: every source is there; no text becomes markup, loads anything, or names a file out of place."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from knowledge.errors import UsageError
from tests.tui.cli_help import scripted_transcript
from tests.tui.fakes import ASSUMPTIONS, HARDWARE, LOCATOR, NEEDS, RECOMMENDATION
from tui.export.files import export_named, exported, format_of, write_export
from tui.export.markdown import literal

HOSTILE = (
    "<script>alert(1)</script>\n# no heading\n- no item\n"
    "![x](http://evil/x.png) | `a` **b** \x1b[31m [l](javascript:x)"
)
CITATION = {"kind": "guide", "source": "Memory of a local model", "locator": LOCATOR}


def document(**more: Any) -> dict[str, Any]:
    advisor = {
        "role": "advisor",
        "text": f"**Take** this. {HOSTILE}",
        "at": "2026-10-01T12:00:00+00:00",
        "citations": [CITATION],
    }
    said = scripted_transcript(
        [HOSTILE],
        needs={**NEEDS, "hardware": HARDWARE},
        assumptions=ASSUMPTIONS,
        recommendation=RECOMMENDATION,
        **more,
    )
    said["messages"].append(advisor)
    return said


class Tags(HTMLParser):
    """The tags and addresses of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markdown_has_who_said_what_and_every_source() -> None:
    text = exported(document(), "markdown")
    for part in (
        "# Conversation with llm-advisor: test",
        "**You**:",
        "**Advisor** (2026-10-01T12:00:00+00:00):",
        f"[1] guide: Memory of a local model, what takes memory, lines 12-18 (`{LOCATOR}`)",
        "| Task | code | you said: \u201ca coding assistant\u201d |",
        "detected on this machine",
        "assumed: you write English",
        "### 1. Qwen2.5-Coder-14B-Instruct",
        "LiveCodeBench v6, 2026-08-01",
        "Codestral-22B: its license forbids commercial use",
    ):
        assert part in text


def test_json_is_the_document() -> None:
    assert json.loads(exported(document(), "json")) == document()


def test_a_page_is_whole_and_nothing_in_it_acts() -> None:
    page = exported(document(session='<b>&"x"</b>'), "html")
    tags = Tags(page)
    assert not tags.tags & {"script", "img", "link", "iframe", "b", "form", "object"}
    assert tags.addresses == ["http://evil/x.png"]  # a link that somebody may follow; no picture
    assert "<script>alert(1)</script>" in tags.text
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "\x1b" not in page
    for part in ("Qwen2.5-Coder-14B-Instruct", "LiveCodeBench v6", "a coding assistant", LOCATOR):
        assert part in tags.text
    assert {"table", "h1", "h2", "h3", "blockquote", "pre"} <= tags.tags


@pytest.mark.parametrize(
    "text",
    ["# a", "- a", "+ a", "1. a", "2) a", "a * b * c", "_a_", "`a`", "[a](b)", "<i>a</i>", "a | b", "&amp;",
     "~~a~~", "===", "---", "\\a", "> a", "1.0 GiB"],
)  # fmt: skip
def test_a_line_that_was_typed_is_shown_as_it_stands(text: str) -> None:
    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(f"> {literal(text)}")
    assert Tags(page).tags == {"blockquote", "p"}
    assert Tags(page).text.strip() == text


def test_branches_come_after_the_main_conversation() -> None:
    aside = scripted_transcript(["in the branch"], branch="bigger card", **{"from": "main"})
    main = scripted_transcript(["on the main line"])
    for top, other in ((main, aside), (aside, main)):
        text = exported({**top, "branches": [other]}, "markdown")
        places = [
            text.index(part)
            for part in (
                "# The main conversation",
                "on the main line",
                "# Branch bigger card (from main)",
                "in the branch",
            )
        ]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("word", "ending"),
    [("", ".md"), ("md", ".md"), ("HTML", ".html"), ("json", ".json")],
)
def test_a_format_alone_makes_a_new_file(
    word: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = export_named(document(session="../a b/\u00e9 [x]"), word)
    assert path.parent == tmp_path
    assert path.name.startswith("llm-advisor-a-b-\u00e9-x-")
    assert path.suffix == ending


def test_a_named_file_says_its_format(tmp_path: Path) -> None:
    assert format_of(None, "x.HTM") == "html"
    assert format_of("json", "x.html") == "json"
    path = export_named(document(), str(tmp_path / "a.html"))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_export(document(), "markdown", str(tmp_path / "none" / "a.md"))


@pytest.mark.parametrize("ending", ["md", "json", "html"])
def test_an_earlier_export_is_replaced_and_any_other_file_is_kept(ending: str, tmp_path: Path) -> None:
    target = tmp_path / f"notes.{ending}"
    target.write_text("my own notes", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        export_named(document(), str(target))
    assert target.read_text(encoding="utf-8") == "my own notes"
    target.write_text("", encoding="utf-8")
    for _ in range(2):
        assert export_named(document(program="llm-advisor 1", format=1), str(target)) == target
    assert "my own notes" not in target.read_text(encoding="utf-8")


def test_the_cost_is_told_where_there_was_one() -> None:
    cost = {"prompt_tokens": 1200, "answer_tokens": 300, "usd": 0.25, "estimated": True}
    assert r"Cost of API models: about $0.25, 1,200 tokens in, 300 out" in exported(
        document(cost=cost), "markdown"
    )
    assert "Cost" not in exported(document(cost={**cost, "prompt_tokens": 0, "answer_tokens": 0}), "markdown")
