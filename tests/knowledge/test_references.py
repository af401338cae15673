"""Headings of guides as citations, and back."""

from __future__ import annotations

import json
import re
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest

from knowledge.corpus import SHIPPED, Guide, parse_guide
from knowledge.references import find_section, open_lines, read_passage

FILES = sorted(path.name for path in SHIPPED.glob("*.md"))


def _headings(file: str) -> list[str]:
    found, fenced = [], False
    for line in (SHIPPED / file).read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if not fenced and re.match(r"#+ ", line):
            found.append(line.lstrip("#").strip())
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_heading_is_found_and_its_locator_leads_back(file: str) -> None:
    lines = (SHIPPED / file).read_text(encoding="utf-8").splitlines()
    headings = _headings(file)
    assert headings
    for heading in headings:
        section = find_section(file, heading)
        assert section is not None, heading
        assert section.locator == f"{file}#{heading}:{section.first}-{section.last}"
        assert lines[section.first - 1].lstrip("#").strip() == heading
        assert 1 <= section.first <= section.last <= len(lines)
        passage = read_passage(section.locator)
        assert passage is not None
        assert passage.notice is None
        assert passage.text == section.text
        assert passage.text.splitlines()[0].endswith(heading)
        assert passage.text.strip() == passage.text


@pytest.mark.parametrize("file", FILES)
def test_sections_end_where_the_next_begins(file: str) -> None:
    sections = [find_section(file, heading) for heading in dict.fromkeys(_headings(file))]
    spans = sorted((s.first, s.last) for s in sections if s is not None)
    assert all(last < following for (_, last), (following, _) in pairwise(spans))


def test_comments_in_code_are_no_headings() -> None:
    """A shell comment inside a fence neither starts nor ends a section."""
    for file in FILES:
        inside, fenced = [], False
        for line in (SHIPPED / file).read_text(encoding="utf-8").splitlines():
            if line.startswith("```"):
                fenced = not fenced
            elif fenced and line.startswith("# "):
                inside.append(line[2:].strip())
        for comment in set(inside) - set(_headings(file)):
            assert find_section(file, comment) is None


@pytest.mark.parametrize(
    "locator",
    [
        "",
        "no-such-guide.md#x:1-2",
        "../errors.py#x:1-2",
        "quantization.md",
        "quantization.md#x",
        "quantization.md#x:0-2",
        "quantization.md#x:5-4",
        "quantization.md#x:1-999999",
        "quantization.md#x:a-b",
        "quantization.md#x:1",
        "quantization.md#x:²-³",
        "/etc/passwd#x:1-2",
    ],
)
def test_a_locator_that_points_at_nothing_is_nothing(locator: str) -> None:
    assert read_passage(locator) is None


def test_unknown_headings_and_files_are_nothing() -> None:
    assert find_section("quantization.md", "no such heading") is None
    assert find_section("no-such-guide.md", "x") is None


def test_every_citation_in_the_data_of_the_tools_exists() -> None:
    """Advice names file and heading; a renamed heading would lose the advice in silence."""
    text = resources.files("tools").joinpath("data/guidance.json").read_text(encoding="utf-8")
    rules = json.loads(text)["rules"]
    assert len(rules) > 10
    for rule in rules:
        assert find_section(rule["file"], rule["heading"]) is not None, (rule["file"], rule["heading"])


def test_guides_named_in_the_data_exist() -> None:
    for entry in resources.files("tools").joinpath("data").iterdir():
        if entry.name.endswith(".json"):
            for file in re.findall(r"guides/([a-z0-9-]+\.md)", entry.read_text(encoding="utf-8")):
                assert file in FILES, (entry.name, file)


CHANGING = """# Guide

## Part: one #1

The answer is 42 GB.

More text.

## Same

First of two.

## Same

Second of two.
"""


def _guide(text: str) -> Guide:
    return parse_guide("changing.md", text)


def test_odd_and_repeated_headings_lead_to_their_own_lines() -> None:
    guide = _guide(CHANGING)
    cited = open_lines(guide, "Part: one #1", (5, 5), "The answer is 42 GB.")
    assert cited is not None
    assert (cited.marked, cited.notice, cited.text) == ((5, 5), None, "The answer is 42 GB.")
    second = open_lines(guide, "Same", (15, 15), "Second of two.")
    assert second is not None
    assert (second.section.first, second.marked, second.notice) == (13, (15, 15), None)


def test_lines_that_moved_are_found_again_and_it_is_said() -> None:
    moved = _guide(CHANGING.replace("The answer", "A new line.\n\nThe answer"))
    cited = open_lines(moved, "Part: one #1", (5, 5), "The answer is 42 GB.")
    assert cited is not None
    assert cited.marked == (7, 7)
    assert cited.notice is not None
    renamed = _guide(CHANGING.replace("Part: one #1", "Other"))
    cited = open_lines(renamed, "Part: one #1", (5, 5), "The answer is 42 GB.")
    assert cited is not None
    assert cited.marked == (5, 5)
    assert cited.notice is not None


@pytest.mark.parametrize("lines", [(5, 5), (6, 6), (11, 11), (400, 401)])
def test_a_line_that_was_not_cited_is_never_marked(lines: tuple[int, int]) -> None:
    changed = _guide(CHANGING.replace("42 GB", "48 GB"))
    cited = open_lines(changed, "Part: one #1", lines, "The answer is 42 GB.")
    assert cited is not None
    assert cited.marked is None
    assert cited.notice is not None
    assert "has changed" in cited.notice
    assert cited.section.heading == "Part: one #1"


def test_of_a_passage_the_line_that_is_quoted_is_marked() -> None:
    cited = open_lines(_guide(CHANGING), "Part: one #1", (3, 7), "More text.")
    assert cited is not None
    assert (cited.marked, cited.notice) == ((7, 7), None)
    whole = open_lines(_guide(CHANGING), "Part: one #1", (3, 7))
    assert whole is not None
    assert whole.marked == (3, 7)


def test_no_file_but_a_guide_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    (tmp_path / "secret.md").write_text("# Secret\n\nwords\n", encoding="utf-8")
    for file in (
        "secret.md",
        "../secret.md",
        f"{tmp_path}/secret.md",
        "own/../secret.md",
        "./quantization.md",
    ):
        assert read_passage(f"{file}#Secret:1-3") is None
