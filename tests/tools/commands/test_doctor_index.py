"""What `doctor` says of the guide index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.corpus import Guide, load_guides
from knowledge.index_place import FolderIndex
from knowledge.retrieval import Retriever
from tests.fakes.chroma_server import fake_server
from tests.knowledge.fakes import FakeEmbedder, write_guides
from tools.commands import doctor_index
from tools.commands.doctor import doctor
from tools.commands.doctor_index import look


@pytest.fixture
def guides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Guide, ...]:
    """Two small guides in place of the shipped ones."""
    found = load_guides([write_guides(tmp_path / "guides")])
    monkeypatch.setattr(doctor_index, "all_guides", lambda home: found)
    return found


@pytest.fixture
def folder(tmp_path: Path, guides: tuple[Guide, ...]) -> Path:
    """A built index of them."""
    retriever = Retriever(guides, tmp_path / "index", FakeEmbedder())
    retriever.prepare()
    retriever.close()
    return tmp_path / "index"


def test_place_contents_and_size_are_said(folder: Path) -> None:
    state, found, next_step = look(folder, FakeEmbedder())
    assert (state, next_step) == ("ok", "")
    assert re.fullmatch(
        r"up to date: \d passages of 2 guides, \d vectors of fake, corpus [0-9a-f]{12}, "
        rf"0\.\d MB in {re.escape(FolderIndex(folder).label)}",
        found,
    )


def test_an_index_of_other_guides_or_another_embedder_is_out_of_date(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, found, next_step = look(folder, FakeEmbedder("other"))
    assert state == "warning"
    assert "another embedder (out of date)" in found
    assert next_step
    changed = load_guides([write_guides(tmp_path / "new", memory="# New\n\nWords.\n")])
    monkeypatch.setattr(doctor_index, "all_guides", lambda home: changed)
    assert "have changed" in look(folder, FakeEmbedder())[1]


def test_no_index_is_not_called_out_of_date(tmp_path: Path, guides: tuple[Guide, ...]) -> None:
    state, found, _ = look(tmp_path / "none", FakeEmbedder())
    assert state == "warning"
    assert found == "The guide index is not built yet; it is built at the first use"


@pytest.mark.enable_socket
def test_a_server_is_asked_but_not_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_server(403, b"{}") as address:
        monkeypatch.setenv("LLM_ADVISOR_CHROMA", address.replace("//", "//ann:secret@"))
        state, found, next_step = look(tmp_path, FakeEmbedder())
        assert state == "warning"
        assert "refuses this advisor (403); words alone answer" in found
        assert "CHROMA_TOKEN" in next_step
        document = doctor(offline=True)
        check = next(check for check in document["checks"] if check["name"] == "guide index")
        assert check["state"] == "skipped"
        assert address in check["found"]
        assert "secret" not in str(document) + found
