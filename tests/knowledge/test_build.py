from __future__ import annotations

import io
from pathlib import Path

import pytest

from knowledge import build
from knowledge.build import main
from knowledge.corpus import load_guides
from knowledge.progress_line import ProgressLine
from knowledge.retrieval import Retriever, open_retriever
from tests.knowledge.fakes import FakeEmbedder, write_guides


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEmbedder:
    """The embedder that `main` gets, over two small guides."""
    fake = FakeEmbedder()
    guides = write_guides(tmp_path / "guides")

    def opened(home: Path | None, *, progress: ProgressLine) -> Retriever:
        return open_retriever(home, guides=load_guides([guides]), embedder=fake, progress=progress)

    monkeypatch.setattr(build, "open_retriever", opened)
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    return fake


def test_building_says_what_it_does_and_closes_the_embedder(
    embedder: FakeEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main() == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err == "Indexing the guides: 5 passages\nIndexing the guides: done\nguide index: 5 passages ready\n"
    )
    assert embedder.closed


def test_a_second_build_only_verifies(embedder: FakeEmbedder, capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(), main()) == (0, 0)
    assert capsys.readouterr().err.count("Indexing") == 2


def test_failure_is_one_sentence_and_a_status(
    embedder: FakeEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder.failing = True
    assert main() == 3
    assert capsys.readouterr().err == "The guide index was not built: The embedder stopped.\n"
    assert embedder.closed


def test_a_state_folder_that_cannot_be_written(
    embedder: FakeEmbedder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").write_text("a file")
    assert main() == 3
    assert "state folder cannot be written" in capsys.readouterr().err


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = ProgressLine()
    progress(16, 32)
    progress(32, 32)
    first, last = terminal.getvalue().split("\r")[1:]
    assert first == f"Indexing the guides [{'#' * 16}{'-' * 16}] 16/32 passages"
    assert last == f"Indexing the guides [{'#' * 32}] 32/32 passages\n"
