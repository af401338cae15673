from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge import corpus
from knowledge.corpus import corpus_hash, load_guides, parse_guide
from tests.knowledge.fakes import MEMORY, write_guides


def test_front_matter_is_read_and_left_out_of_the_body() -> None:
    guide = parse_guide("memory.md", MEMORY)
    assert (guide.title, guide.scope, guide.as_of) == (
        "Memory of a model",
        "What fills the card",
        "2026-11-20",
    )
    assert guide.sources == ("a test",)
    assert guide.lines[guide.body_start :][:2] == ("", "# Memory of a model")


@pytest.mark.parametrize(
    ("block", "sources"),
    [
        ("sources:\n  - one\n  - 'two: parts'", ("one", "two: parts")),
        ("sources: [one, two]", ("one", "two")),
        ("sources: >\n  one\n  and more", ("one and more",)),
        ("# sources: none", ()),
    ],
)
def test_lists_in_front_matter(block: str, sources: tuple[str, ...]) -> None:
    assert parse_guide("a.md", f"---\ntitle: A\n{block}\n---\ntext\n").sources == sources


@pytest.mark.parametrize(
    ("text", "title", "start"),
    [
        ("# Heading\ntext", "Heading", 0),
        ("only text", "a", 0),
        ("---\nnever closed", "a", 0),
        ("---\ntitle: T\n---\n# H", "T", 3),
        ("", "a", 0),
    ],
)
def test_a_title_is_always_found(text: str, title: str, start: int) -> None:
    guide = parse_guide("sub/a.md", text)
    assert (guide.title, guide.body_start) == (title, start)


def test_lines_are_those_of_an_editor() -> None:
    assert parse_guide("a.md", "one\r\ntwo\x0cstill two\rthree\u2028still three\n").lines == (
        "one",
        "two\x0cstill two",
        "three\u2028still three",
    )


def test_unreadable_and_huge_files_do_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_guides(tmp_path, good="# Good\ntext", huge="x" * 200)
    (folder / "bytes.md").write_bytes(b"# Caf\xe9 \xff\n\x00text")
    (folder / "folder.md").mkdir()
    monkeypatch.setattr(corpus, "MAX_FILE_BYTES", 100)
    assert [guide.file for guide in load_guides([folder])] == ["bytes.md", "good.md"]
    assert load_guides([tmp_path / "missing"]) == ()


def test_the_first_folder_wins(tmp_path: Path) -> None:
    first = write_guides(tmp_path / "1", same="# One")
    second = write_guides(tmp_path / "2", same="# Two", more="# More")
    assert [guide.title for guide in load_guides([first, second])] == ["More", "One"]


def test_hash_follows_names_and_contents() -> None:
    guide = parse_guide("a.md", "text\nmore")
    seen = {
        corpus_hash(guides)
        for guides in (
            [],
            [guide],
            [replace(guide, file="b.md")],
            [parse_guide("a.md", "text\nmore!")],
            [parse_guide("a.md", "text"), parse_guide("b.md", "more")],
        )
    }
    assert len(seen) == 5
    assert corpus_hash([guide]) == corpus_hash([parse_guide("a.md", "text\r\nmore\r\n")])
