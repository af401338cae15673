"""Builds that are killed, and generations that are read while another takes their place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.index import open_index
from knowledge.index_build import build_index
from knowledge.index_readers import hold, is_read, remove_unread
from tests.knowledge.fakes import FakeEmbedder
from tests.knowledge.test_index import Corpus, nearest

KILLS = 14
KILLER = """
import os, signal, sys, time
from dataclasses import replace
from pathlib import Path
import chromadb, numpy
from knowledge.chunking import chunk_guides
from knowledge.corpus import load_guides
from knowledge.index import open_index
from knowledge.index_build import build_index
from tests.knowledge.fakes import FakeEmbedder

folder, kills = Path(sys.argv[1]), int(sys.argv[3])
chunks = chunk_guides(load_guides([Path(sys.argv[2])]))
many = [
    replace(chunk, id=f"{n:x}-{chunk.id}", text=f"{chunk.text} {n}") for n in range(60) for chunk in chunks
]

def child(work):
    # Forked after the imports, which take most of a start.
    number = os.fork()
    if number == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return number

def build(corpus):
    build_index(folder, many, corpus, FakeEmbedder(name=corpus))

def checked(work):
    return os.waitstatus_to_exitcode(os.waitpid(child(work), 0)[1]) == 0

def opens(name):
    index = open_index(folder, name, FakeEmbedder(name=name))
    assert index.manifest.vectors == len(many)
    assert len(index.nearest(FakeEmbedder().embed(["cache"])[0], 5).hits) == 5
    index.close()

started = time.monotonic()
assert checked(lambda: build("first"))
whole = time.monotonic() - started
used, died = "first", 0
for n in range(kills):
    new = f"build-{n}"
    number = child(lambda: build(new))
    time.sleep(whole * 1.1 * n / (kills - 1))
    os.kill(number, signal.SIGKILL)
    died += os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == -signal.SIGKILL
    used = new if checked(lambda: opens(new)) else used
    assert checked(lambda: opens(used)), f"kill {n}: {used} cannot be opened"
assert checked(lambda: build("last")) and checked(lambda: opens("last"))
left = sorted(path.name for path in folder.glob("g*"))
print(died, len(left), *os.listdir(folder / "readers"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_build_that_is_killed_at_any_moment_leaves_an_index(tmp_path: Path, corpus: Corpus) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path / "index"), str(tmp_path / "guides"), str(KILLS)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
        timeout=110,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    died, left, *_ = run.stdout.splitlines()[-1].split()
    assert int(died) >= 10, "most of the builds were killed before they ended"
    assert int(left) <= 2, "what the killed builds left is gone"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path / "guides")


@pytest.fixture
def folder(tmp_path: Path, corpus: Corpus) -> Path:
    build_index(tmp_path / "index", corpus.chunks, corpus.hash, FakeEmbedder())
    return tmp_path / "index"


def test_a_reader_of_an_old_generation_goes_on(folder: Path, corpus: Corpus) -> None:
    embedder = FakeEmbedder()
    index = open_index(folder, corpus.hash, embedder)
    query = embedder.embed(["cache grows with context for each token"])[0]
    before = index.nearest(query, 3)
    for letter in "123":
        build_index(folder, corpus.reworded, letter * 64, FakeEmbedder())
    assert index.nearest(query, 3) == before
    assert index.vectors_of([]) == {}
    assert len(list(folder.glob("g-*"))) == 3, "that of the reader, the one before, the one in use"
    index.close()
    build_index(folder, corpus.chunks, "4" * 64, FakeEmbedder())
    assert len(list(folder.glob("g-*"))) == 2
    assert list((folder / "readers").iterdir()) == []


def test_what_a_killed_reader_held_is_free(folder: Path) -> None:
    name = (folder / "current").read_text()
    script = (
        "import sys, os; from pathlib import Path; from knowledge.index_readers import hold; "
        "keep = hold(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder / name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert is_read(folder, name)
        remove_unread(folder / name)
        assert (folder / name).is_dir()
        process.kill()
    assert not is_read(folder, name)


def test_opening_follows_a_generation_that_takes_the_place(
    folder: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from knowledge import index

    def replaced(generation: Path) -> object:
        monkeypatch.setattr(index, "hold", hold)
        build_index(folder, corpus.reworded, "1" * 64, FakeEmbedder())
        build_index(folder, corpus.chunks, corpus.hash, FakeEmbedder())
        return lambda: None

    monkeypatch.setattr(index, "hold", replaced)
    assert nearest(folder, corpus, "commercial use")


def test_a_generation_that_is_opened_while_it_is_removed_comes_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from knowledge import index_readers

    name = (folder / "current").read_text()
    told = iter([False, True])
    monkeypatch.setattr(index_readers, "is_read", lambda folder, name: next(told))
    remove_unread(folder / name)
    assert (folder / name / "manifest.json").is_file()
