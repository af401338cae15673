"""Findings are kept, found again and forgotten with the facts that they rest on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.chunking import chunk_guide
from knowledge.corpus import Guide, parse_guide
from knowledge.retrieval import Passage
from tools.claims import beside, store
from tools.claims.beside import disagreements
from tools.claims.store import build_claims, claims_folder, findings_of, kept_disagreements

TEXT = """# Notes

## Memory

Llama 3.1 70B in Q4_K_M needs 35 GB of VRAM.

## Cards

The RTX 3090 has 24 GB.
"""


@pytest.fixture
def guide() -> Guide:
    return replace(parse_guide("notes.md", TEXT), origin="own")


def shown(guide: Guide, number: int) -> Passage:
    """A passage of the guide as a search gives it."""
    chunk = list(chunk_guide(guide))[number]
    return Passage(
        text=chunk.text,
        guide=chunk.guide,
        heading=chunk.heading,
        file=chunk.file,
        lines=(chunk.first_line, chunk.last_line),
        score=1.0,
        origin=chunk.origin,
    )


def test_findings_are_kept_by_guide_and_by_passage(state: Path, guide: Guide) -> None:
    documents = findings_of([guide], state)["notes.md"]
    assert [document["verdict"] for document in documents] == ["disagrees", "agrees"]
    wrong, right = list(chunk_guide(guide))
    kept = kept_disagreements(wrong.id, state)
    assert kept is not None
    assert [one["line"] for one in kept] == [5]
    assert kept_disagreements(right.id, state) == []
    assert kept_disagreements("0" * 16, state) is None


def test_what_is_kept_is_not_computed_again(
    state: Path, guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = findings_of([guide], state)
    monkeypatch.setattr(store, "check_guide", lambda guide: pytest.fail("computed again"))
    assert findings_of([guide], state) == first


def test_other_facts_or_words_make_it_stale(
    state: Path, guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_claims([guide], state)
    changed = parse_guide("notes.md", TEXT.replace("35 GB", "43 GB"))
    assert [d["verdict"] for d in findings_of([changed], state)["notes.md"]] == ["agrees", "agrees"]
    passage = next(chunk_guide(guide)).id
    monkeypatch.setattr(store, "_bundled_facts", lambda: "another catalog")
    assert kept_disagreements(passage, state) is None


def test_a_passage_is_checked_by_itself_where_nothing_is_kept(state: Path, guide: Guide) -> None:
    (found,) = disagreements(shown(guide, 0))
    assert (found["line"], found["file"], found["origin"]) == (5, "notes.md", "own")
    assert disagreements(shown(guide, 1)) == []
    assert not claims_folder(state).exists()


def test_kept_and_computed_say_the_same(state: Path, guide: Guide) -> None:
    computed = disagreements(shown(guide, 0))
    build_claims([guide], state)
    assert disagreements(shown(guide, 0)) == computed


def test_a_fault_of_the_check_takes_no_passage_away(
    state: Path, guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(beside, "_computed", broken)
    assert disagreements(shown(guide, 0)) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"facts": "old", "passages": {}}'])
def test_a_damaged_file_is_written_anew(state: Path, guide: Guide, damage: bytes) -> None:
    build_claims([guide], state)
    for name in ("findings.json", "passages.json"):
        (claims_folder(state) / name).write_bytes(damage)
    passage = next(chunk_guide(guide)).id
    assert kept_disagreements(passage, state) is None
    build_claims([guide], state)
    assert kept_disagreements(passage, state)


def test_a_state_folder_that_is_a_file_loses_nothing_but_speed(tmp_path: Path, guide: Guide) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert findings_of([guide], blocked)["notes.md"][0]["verdict"] == "disagrees"


def test_a_build_stops_after_its_time_and_goes_on_later(state: Path, guide: Guide) -> None:
    assert build_claims([guide], state, seconds=-1.0) == 0
    assert build_claims([guide], state) == 1
