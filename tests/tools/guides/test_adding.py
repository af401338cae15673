"""`guides add` as a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import ServiceError, UsageError
from knowledge.guide_set import all_guides
from knowledge.home import home
from knowledge.own.adding import InterruptedAddError
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder
from tools.claims.store import build_claims
from tools.commands.requests import parse
from tools.guides.adding import AddQuery, add_guides
from tools.guides.listing import GuidesQuery, list_guides
from tools.guides.removing import RemoveQuery, remove_guides


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("---\nas_of: 2026-01-02\n---\n# First\n\nWords <b hidden>unseen</b> here.\n")
    (folder / "b.txt").write_text("Other words.\n")
    return folder


def query(*paths: Path, no_index: bool = False) -> AddQuery:
    return parse(AddQuery, {"paths": [str(path) for path in paths], "no_index": no_index})


def test_the_document_says_what_was_added_and_the_index_is_brought_up_to_date(notes: Path) -> None:
    document = add_guides(query(notes), index=lambda offline: 7)
    first, second = document["added"]
    assert (first["file"], first["title"], first["as_of"], first["kind"]) == (
        "own/a.md",
        "First",
        "2026-01-02",
        "markdown",
    )
    assert first["notices"] == ["hidden text left out: 6 characters"]
    assert first["provenance"].startswith(f"{notes}/a.md, added ")
    assert (second["file"], second["passages"]) == ("own/b.md", 1)
    assert document["index"] == {"updated": True, "passages": 7}
    assert "error" not in document


def build_without_a_model(offline: bool = False) -> int:
    retriever = Retriever(all_guides(home()), home() / "index", FakeEmbedder())
    retriever.prepare()
    try:
        return len(retriever.chunks)
    finally:
        retriever.close()


def test_the_index_is_left_where_nothing_changed_or_one_says_so(notes: Path) -> None:
    def never(offline: bool) -> int:
        raise AssertionError("the index is built")

    assert add_guides(query(notes, no_index=True), index=never)["index"]["updated"] is False
    assert add_guides(query(notes), index=build_without_a_model)["index"]["updated"] is True
    again = add_guides(query(notes), index=never)
    assert (again["unchanged"], again["index"]["reason"]) == (2, "nothing has changed")


def test_an_index_that_was_interrupted_is_built_by_the_next_call(notes: Path) -> None:
    def interrupted(offline: bool) -> int:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedAddError) as stopped:
        add_guides(query(notes), index=interrupted)
    assert stopped.value.report.changed == 2
    assert add_guides(query(notes), index=lambda offline: 7)["index"] == {"updated": True, "passages": 7}


def test_an_index_that_cannot_be_built_does_not_undo_the_adding(notes: Path) -> None:
    def broken(offline: bool) -> int:
        raise ServiceError("The embedder stopped.")

    document = add_guides(query(notes), index=broken)
    assert document["index"] == {"updated": False, "reason": "The embedder stopped."}
    assert len(document["added"]) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "Name a file or folder"), (("nowhere",), "There is no file or folder")],
)
def test_bad_input_is_one_sentence(names: tuple[str, ...], message: str, notes: Path) -> None:
    with pytest.raises(UsageError, match=message):
        add_guides(query(*(notes / name for name in names)))


def test_nothing_added_is_an_error_with_the_reason(notes: Path) -> None:
    (notes / "scan.pdf").write_bytes(b"%PDF-")
    document = add_guides(query(notes / "scan.pdf"), index=lambda offline: 0)
    assert document["error"]["code"] == "damaged"
    assert "seems damaged" in document["error"]["message"]


def test_a_folder_without_documents_says_what_is_read(tmp_path: Path, notes: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ".pdf" in add_guides(query(tmp_path / "empty"))["error"]["hint"]


def test_the_list_shows_own_guides_beside_the_shipped_ones(notes: Path) -> None:
    add_guides(query(notes, no_index=True))
    rows = list_guides(GuidesQuery())["guides"]
    own = {row["file"]: row for row in rows if row["origin"] == "own"}
    assert set(own) == {"own/a.md", "own/b.md"}
    assert own["own/a.md"]["notices"] == ["hidden text left out: 6 characters"]
    assert all(row["notices"] == [] for row in rows if row["origin"] == "shipped")


def remove(*names: str, **more: bool) -> list[str]:
    removed = remove_guides(parse(RemoveQuery, {"names": names, **more}))["removed"]
    return [row["file"] for row in removed]


@pytest.mark.parametrize("name", ["a", "A", "own/a.md", "a.md", "First"])
def test_a_guide_is_removed_by_any_of_its_names(name: str, notes: Path) -> None:
    add_guides(query(notes, no_index=True))
    assert remove(name) == ["own/a.md"]
    assert (notes / "a.md").exists()


def test_a_guide_is_removed_by_the_path_of_its_file_or_folder(notes: Path) -> None:
    add_guides(query(notes, no_index=True))
    assert remove(str(notes / "a.md")) == ["own/a.md"]
    (notes / "b.txt").unlink()
    assert remove(str(notes)) == ["own/b.md"]


def test_nothing_is_removed_where_one_name_is_unknown(notes: Path) -> None:
    add_guides(query(notes, no_index=True))
    with pytest.raises(Exception, match="No guide of yours"):
        remove("a", "nothing-like-it")
    with pytest.raises(UsageError, match="is a shipped guide"):
        remove("a", "licenses.md")
    assert remove("a", "b") == ["own/a.md", "own/b.md"]


def test_all_needs_a_yes(notes: Path) -> None:
    add_guides(query(notes, no_index=True))
    with pytest.raises(UsageError, match="would remove all 2"):
        remove(all=True)
    with pytest.raises(UsageError, match="not both"):
        remove("a", all=True, yes=True)
    assert len(remove(all=True, yes=True)) == 2
    assert remove(all=True) == []


def test_a_removed_text_is_nowhere_in_the_state_folder(notes: Path, tmp_path: Path) -> None:
    (notes / "secret.md").write_text("In the zanzibar, Llama-3.1-70B in Q4_K_M needs 2 GB of memory.\n")
    add_guides(query(notes, no_index=True))
    build_without_a_model()
    build_claims(all_guides(home())[-1:])

    def held() -> list[Path]:
        files = (path for path in (tmp_path / "home").rglob("*") if path.is_file())
        return [path for path in files if b"zanzibar" in path.read_bytes()]

    assert len(held()) >= 3
    remove("secret")
    assert held() == []
