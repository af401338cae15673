"""The guides keep their fixed form, so that every section is a good passage to retrieve."""

from __future__ import annotations

import datetime
import itertools
import re
from pathlib import Path

import pytest

GUIDES = Path(__file__).resolve().parents[2] / "knowledge" / "guides"
FILES = sorted(GUIDES.glob("*.md"))
FIELDS = ("title", "scope", "as_of", "sources")
MAX_SECTION_WORDS = 400
MAX_LINE_CHARACTERS = 4_000

_HEADING = re.compile(r"^(#{1,6})\s+(\S.*)$")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")

every_guide = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def front_matter(text: str) -> dict[str, str]:
    """Fields between the two `---` lines at the top; empty where the block is missing."""
    lines = text.split("\n")
    if lines[0] != "---" or "---" not in lines[1:]:
        return {}
    block = lines[1 : lines.index("---", 1)]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block)}


def body(text: str) -> list[str]:
    """Lines after the front matter."""
    lines = text.split("\n")
    return lines[lines.index("---", 1) + 1 :]


def prose(text: str) -> list[str]:
    """Body lines with code blocks blanked, where `#` and `|` mean something else."""
    result: list[str] = []
    fenced = False
    for line in body(text):
        fence = line.lstrip().startswith("```")
        result.append("" if fenced or fence else line)
        fenced = fenced != fence
    assert not fenced, "a code block is not closed"
    return result


def headings(text: str) -> list[tuple[int, str]]:
    """Level and title of each heading, in order."""
    found = (_HEADING.match(line) for line in prose(text))
    return [(len(match[1]), match[2].strip()) for match in found if match]


def sections(text: str) -> list[tuple[str, int]]:
    """Title and number of words of each section, code included."""
    result: list[tuple[str, int]] = [("(before the first heading)", 0)]
    for line, visible in zip(body(text), prose(text), strict=True):
        if match := _HEADING.match(visible):
            result.append((match[2], 0))
        else:
            title, words = result[-1]
            result[-1] = (title, words + len(line.split()))
    return result


def tables(text: str) -> list[list[list[str]]]:
    """Cells of each table, row by row."""
    found: list[list[list[str]]] = []
    inside = False
    for line in prose(text):
        is_row = line.startswith("|")
        if is_row and not inside:
            found.append([])
        if is_row:
            found[-1].append([cell.strip() for cell in _CELL_BORDER.split(line.rstrip())[1:-1]])
        inside = is_row
    return found


def test_there_are_guides() -> None:
    assert len(FILES) >= 20


@every_guide
def test_front_matter_is_complete(path: Path) -> None:
    fields = front_matter(path.read_text(encoding="utf-8"))
    assert tuple(fields) == FIELDS
    assert all(fields.values())


@every_guide
def test_as_of_is_a_past_date(path: Path) -> None:
    as_of = datetime.date.fromisoformat(front_matter(path.read_text(encoding="utf-8"))["as_of"])
    # The guides are dated with the facts they hold; one day covers machines in other time zones.
    assert as_of <= datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=1)


@every_guide
def test_headings_do_not_jump(path: Path) -> None:
    found = headings(path.read_text(encoding="utf-8"))
    assert found[0][0] == 1
    assert [level for level, _ in found].count(1) == 1
    jumps = [title for (before, _), (level, title) in itertools.pairwise(found) if level > before + 1]
    assert not jumps


@every_guide
def test_headings_are_unique(path: Path) -> None:
    titles = [title for _, title in headings(path.read_text(encoding="utf-8"))]
    assert len(titles) == len(set(titles))


@every_guide
def test_sections_are_short(path: Path) -> None:
    long = [
        (title, words)
        for title, words in sections(path.read_text(encoding="utf-8"))
        if words > MAX_SECTION_WORDS
    ]
    assert not long


@every_guide
def test_no_section_without_text_at_the_end_of_a_branch(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    levels = [level for level, _ in headings(text)] + [0]
    words = [count for _, count in sections(text)[1:]]
    empty = [
        title
        for index, (level, title) in enumerate(headings(text))
        if words[index] == 0 and levels[index + 1] <= level
    ]
    assert not empty


@every_guide
def test_tables_are_well_formed(path: Path) -> None:
    for table in tables(path.read_text(encoding="utf-8")):
        header, rule, *rows = table
        assert rows, f"no rows under {header}"
        assert all(re.fullmatch(r":?-{3,}:?", cell) for cell in rule), f"no rule under {header}"
        assert {len(row) for row in table} == {len(header)}, f"uneven rows under {header}"
        assert all(header), f"empty heading cell in {header}"


@every_guide
def test_lines_are_not_overlong(path: Path) -> None:
    assert max(map(len, path.read_text(encoding="utf-8").split("\n"))) <= MAX_LINE_CHARACTERS


@every_guide
def test_internal_links_lead_somewhere(path: Path) -> None:
    targets = [link for line in prose(path.read_text(encoding="utf-8")) for link in _LINK.findall(line)]
    broken = [
        target
        for target in targets
        if not re.match(r"https?://", target) and not (GUIDES / target.partition("#")[0]).is_file()
    ]
    assert not broken


def test_helpers_find_defects() -> None:
    """The checks above rest on these readers; a broken guide must not look whole to them."""
    text = "---\ntitle: a\n---\n# A\n### C\n```\n# no heading\n| x |\n```\n| a | b |\n| --- | --- |\n| 1 |\n"
    assert front_matter(text) == {"title": "a"}
    assert front_matter("# A\n") == {}
    assert headings(text) == [(1, "A"), (3, "C")]
    assert [len(row) for row in tables(text)[0]] == [2, 2, 1]
    assert sections(text)[-1] == ("C", 21)
