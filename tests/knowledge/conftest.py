"""One index of the shipped guides, with the real embedder, for all tests of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from knowledge.retrieval import Retriever, open_retriever


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A state folder for the whole run; the first worker that needs it builds the index, the others wait."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "built-home"
    with FileLock(f"{home}.lock"):
        if not (home / "done").exists():
            retriever = open_retriever(home)
            trouble = retriever.trouble
            retriever.close()
            assert trouble is None, trouble
            (home / "done").touch()
    return home


@pytest.fixture(scope="session")
def shipped(built_home: Path) -> Iterator[Retriever]:
    """A ready retriever over the shipped guides."""
    retriever = open_retriever(built_home)
    assert retriever.trouble is None, retriever.trouble
    yield retriever
    retriever.close()
