"""The questions beside the passages: they belong to sections that exist, and none is said twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import knowledge
from knowledge.corpus import SHIPPED, load_guides
from knowledge.markdown_blocks import sections
from knowledge.references import find_section

ASKED = Path(knowledge.__file__).resolve().parent / "asked.json"
MIN_PER_SECTION, MAX_PER_SECTION = 4, 7
MIN_WORDS, MAX_WORDS = 4, 14


def _asked() -> dict[str, dict[str, list[str]]]:
    entries = json.loads(ASKED.read_text(encoding="utf-8"))
    assert isinstance(entries.pop("_about"), str)
    return dict(entries)


def _headings(file: str) -> list[str]:
    """The headings of the sections of a guide that hold text of their own, as often as they occur."""
    guide = next(guide for guide in load_guides() if guide.file == file)
    return [section.heading[-1] for section in sections(guide.lines, guide.body_start, guide.title)]


def _key(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip("?")


def test_every_key_is_a_guide_and_a_heading_of_it() -> None:
    for file, by_heading in _asked().items():
        assert (SHIPPED / file).is_file(), file
        for heading in by_heading:
            assert find_section(file, heading) is not None, f"{file}: {heading}"


@pytest.mark.parametrize("file", sorted(path.name for path in SHIPPED.glob("*.md")))
def test_every_section_with_text_has_questions(file: str) -> None:
    asked = _asked().get(file, {})
    headings = _headings(file)
    assert set(asked) == set(headings)
    for heading, questions in asked.items():
        times = headings.count(heading)
        assert MIN_PER_SECTION * times <= len(questions) <= MAX_PER_SECTION * times, heading


def test_no_question_is_asked_twice() -> None:
    asked_at: dict[str, str] = {}
    for file, by_heading in _asked().items():
        for heading, questions in by_heading.items():
            for question in questions:
                place = f"{file}: {heading}"
                assert asked_at.setdefault(_key(question), place) is place, f"{question!r} also in {place}"


def test_questions_are_short_ascii_and_no_headings() -> None:
    for file, by_heading in _asked().items():
        for heading, questions in by_heading.items():
            for question in questions:
                assert question.isascii(), question
                assert question == " ".join(question.split()), question
                assert MIN_WORDS <= len(question.split()) <= MAX_WORDS, f"{file}: {question!r}"
                assert _key(question) != _key(heading), question
