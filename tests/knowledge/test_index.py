from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge import index_build
from knowledge.chunking import Chunk, chunk_guides
from knowledge.corpus import corpus_hash, load_guides
from knowledge.embedding import EmbedderError
from knowledge.index import IndexUnusableError, open_index
from knowledge.index_build import StateFolderError, build_index
from tests.knowledge.fakes import MEMORY, FakeEmbedder, write_guides

if TYPE_CHECKING:
    from knowledge.embedding import Vectors


class Corpus:
    """Two small guides, cut and hashed."""

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        guides = load_guides([write_guides(folder) if write else folder])
        self.chunks: tuple[Chunk, ...] = chunk_guides(guides)
        self.reworded = [replace(chunk, text=chunk.text + " And more.") for chunk in self.chunks]
        self.hash = corpus_hash(guides)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path / "guides")


@pytest.fixture
def folder(tmp_path: Path, corpus: Corpus) -> Path:
    """A built index."""
    build_index(tmp_path / "index", corpus.chunks, corpus.hash, FakeEmbedder())
    return tmp_path / "index"


def generation(folder: Path) -> Path:
    return folder / (folder / "current").read_text()


def nearest(folder: Path, corpus: Corpus, query: str) -> str:
    embedder = FakeEmbedder()
    index = open_index(folder, corpus.hash, embedder)
    try:
        best, similarity = index.nearest(embedder.embed([query])[0], 3).hits[0]
        assert 0 < similarity <= 1.0001
        return best
    finally:
        index.close()


def test_the_nearest_passage_is_found(folder: Path, corpus: Corpus) -> None:
    wanted = next(chunk for chunk in corpus.chunks if chunk.heading[-1] == "Cache")
    assert nearest(folder, corpus, "cache grows with context for each token") == wanted.id


def test_progress_counts_up_to_the_whole(tmp_path: Path, corpus: Corpus) -> None:
    seen: list[tuple[int, int]] = []
    build_index(tmp_path / "i", corpus.chunks, corpus.hash, FakeEmbedder(), lambda *step: seen.append(step))
    assert seen[-1] == (len(corpus.chunks), len(corpus.chunks))


def test_reading_leaves_the_vector_files_as_they_are(folder: Path, corpus: Corpus) -> None:
    before = {path: path.read_bytes() for path in generation(folder).glob("*/*")}
    assert len(before) >= 4
    for _ in range(2):
        nearest(folder, corpus, "cache")
    assert {path: path.read_bytes() for path in generation(folder).glob("*/*")} == before


def test_building_again_is_no_work(folder: Path, corpus: Corpus) -> None:
    embedder = FakeEmbedder()
    before = (folder / "current").read_text()
    build_index(folder, corpus.chunks, corpus.hash, embedder)
    assert embedder.batches == 0
    assert (folder / "current").read_text() == before


def test_only_changed_passages_are_embedded_again(tmp_path: Path, folder: Path) -> None:
    class Counting(FakeEmbedder):
        texts = 0

        def embed(self, texts: Sequence[str]) -> Vectors:
            self.texts += len(texts)
            return super().embed(texts)

    write_guides(tmp_path / "new", memory=MEMORY.replace("q8_0 halves it", "q8_0 saves half of it"))
    changed = Corpus(tmp_path / "new", write=False)
    embedder = Counting()
    build_index(folder, changed.chunks, changed.hash, embedder)
    assert embedder.texts == 1
    assert nearest(folder, changed, "q8_0 saves half of it f16 default") in {
        chunk.id for chunk in changed.chunks if chunk.heading[-1] == "Cache"
    }
    other = Counting("other")
    build_index(folder, changed.chunks, changed.hash, other)
    assert other.texts == len(changed.chunks), "vectors of two embedders are never mixed"


@pytest.mark.parametrize("embedder", [FakeEmbedder("other"), FakeEmbedder(dimensions=32)])
def test_an_index_of_another_embedder_is_refused(
    folder: Path, corpus: Corpus, embedder: FakeEmbedder
) -> None:
    with pytest.raises(IndexUnusableError, match="another embedder"):
        open_index(folder, corpus.hash, embedder)


def test_an_index_of_other_guides_is_refused(folder: Path) -> None:
    with pytest.raises(IndexUnusableError, match="have changed"):
        open_index(folder, "0" * 64, FakeEmbedder())


def test_no_index_is_its_own_case(tmp_path: Path, corpus: Corpus) -> None:
    with pytest.raises(IndexUnusableError, match="not built yet") as caught:
        open_index(tmp_path / "none", corpus.hash, FakeEmbedder())
    assert caught.value.code == "index_missing"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 2] = b"\xa5" * (len(data) // 2 - len(data) // 4)
    path.write_bytes(bytes(data))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "database cut short": lambda folder: truncate(generation(folder) / "chroma.sqlite3"),
    "database scrambled": lambda folder: scramble(generation(folder) / "chroma.sqlite3"),
    "database empty": lambda folder: (generation(folder) / "chroma.sqlite3").write_bytes(b""),
    "database gone": lambda folder: (generation(folder) / "chroma.sqlite3").unlink(),
    "vectors scrambled": lambda folder: scramble(next(generation(folder).glob("*/data_level0.bin"))),
    "ids scrambled": lambda folder: scramble(next(generation(folder).glob("*/index_metadata.pickle"))),
    "vectors gone": lambda folder: shutil.rmtree(next(generation(folder).glob("*/"))),
    "manifest garbage": lambda folder: (generation(folder) / "manifest.json").write_text("{]"),
    "manifest of no object": lambda folder: (generation(folder) / "manifest.json").write_text("[1]"),
    "manifest gone": lambda folder: (generation(folder) / "manifest.json").unlink(),
    "pointer garbage": lambda folder: (folder / "current").write_bytes(b"\xff\xfe\x00"),
    "pointer leads out": lambda folder: (folder / "current").write_text("g-/../../etc"),
    "pointer to nothing": lambda folder: (folder / "current").write_text("g-none"),
    "generation gone": lambda folder: shutil.rmtree(generation(folder)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_index_is_noticed_and_built_again(
    folder: Path, corpus: Corpus, damage: Callable[[Path], object]
) -> None:
    damage(folder)
    with pytest.raises(IndexUnusableError):
        open_index(folder, corpus.hash, FakeEmbedder())
    build_index(folder, corpus.chunks, corpus.hash, FakeEmbedder())
    assert nearest(folder, corpus, "commercial use")


def test_a_manifest_that_lies_about_the_count_is_noticed(folder: Path, corpus: Corpus) -> None:
    path = generation(folder) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "vectors": 3}))
    with pytest.raises(IndexUnusableError, match="does not hold"):
        open_index(folder, corpus.hash, FakeEmbedder())


class BadVectors(FakeEmbedder):
    """Gives what `spoil` makes of right vectors."""

    def __init__(self, spoil: Callable[[Vectors], Vectors]) -> None:
        super().__init__()
        self._spoil = spoil

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._spoil(super().embed(texts))


@pytest.mark.parametrize(
    "spoil",
    [lambda v: v[:, :9], lambda v: v[1:], lambda v: v * 2, lambda v: v * float("nan"), lambda v: v * 0],
    ids=["too short", "one missing", "too long", "not a number", "zero"],
)
def test_vectors_that_cannot_be_right_never_get_in(
    folder: Path, corpus: Corpus, spoil: Callable[[Vectors], Vectors]
) -> None:
    with pytest.raises(EmbedderError, match="vectors"):
        build_index(folder, corpus.reworded, "1" * 64, BadVectors(spoil))
    assert nearest(folder, corpus, "commercial use"), "the old index stays in use"


def test_a_failed_build_leaves_the_old_index_in_use(folder: Path, corpus: Corpus) -> None:
    embedder = FakeEmbedder()
    embedder.failing = True
    with pytest.raises(EmbedderError):
        build_index(folder, corpus.reworded, "1" * 64, embedder)
    assert nearest(folder, corpus, "commercial use")


def test_leftovers_are_removed_by_the_next_build(folder: Path, corpus: Corpus) -> None:
    (folder / "g-half-built").mkdir()
    for letter in "12":
        build_index(folder, corpus.chunks, letter * 64, FakeEmbedder())
    assert len(list(folder.glob("g-*"))) == 2, "the index in use and the one before it"


BUILDER = """
import sys, time
from pathlib import Path
from knowledge.chunking import chunk_guides
from knowledge.corpus import corpus_hash, load_guides
from knowledge.index_build import build_index
from tests.knowledge.fakes import FakeEmbedder

guides = load_guides([Path(sys.argv[2])])

def progress(done, total):
    print("at work", flush=True)
    if sys.argv[3] == "hang":
        time.sleep(60)

build_index(Path(sys.argv[1]), chunk_guides(guides), corpus_hash(guides), FakeEmbedder(), progress)
print("done", flush=True)
"""


def builder(folder: Path, guides: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder), str(guides), mode],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_build_that_is_killed_leaves_the_old_index_in_use(
    tmp_path: Path, folder: Path, corpus: Corpus
) -> None:
    guides = write_guides(tmp_path / "new", memory=MEMORY.replace("Weights", "Masses"))
    with builder(folder, guides, "hang") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGKILL)
    assert nearest(folder, corpus, "commercial use")
    changed = Corpus(tmp_path / "new", write=False)
    build_index(folder, changed.chunks, changed.hash, FakeEmbedder())
    assert nearest(folder, changed, "masses")
    assert len(list(folder.glob("g-*"))) == 2, "what the killed build left is gone"


def test_two_processes_build_one_index(tmp_path: Path, corpus: Corpus) -> None:
    started = [builder(tmp_path / "both", tmp_path / "guides", "go") for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in started]
    assert sorted(output.count("at work") for output in outputs) == [0, 1]
    assert all(output.endswith("done\n") for output in outputs)
    assert len(list((tmp_path / "both").glob("g-*"))) == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, corpus: Corpus) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateFolderError, match="cannot be written") as caught:
        build_index(tmp_path / "file" / "index", corpus.chunks, corpus.hash, FakeEmbedder())
    assert "LLM_ADVISOR_HOME" in caught.value.hint


def test_a_full_disk_is_said_and_the_old_index_stays(
    folder: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(index_build, "replace_text", full)
        with pytest.raises(StateFolderError, match="No space left on device"):
            build_index(folder, corpus.chunks[1:], "1" * 64, FakeEmbedder())
    assert nearest(folder, corpus, "commercial use")


FULL = """
import resource, signal, sys
from pathlib import Path
from knowledge.corpus import load_guides
from knowledge.retrieval import open_retriever
from tests.knowledge.fakes import FakeEmbedder
import chromadb

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
guides = load_guides([Path(sys.argv[2])])
retriever = open_retriever(Path(sys.argv[1]), guides=guides, embedder=FakeEmbedder())
result = retriever.search("cache per token")
print(result.notice)
print(result.passages[0].heading[-1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits to set")
@pytest.mark.parametrize("room", [10, 50_000])
def test_no_room_for_the_files_is_one_sentence(tmp_path: Path, corpus: Corpus, room: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "home"), str(tmp_path / "guides"), str(room)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=True,
    )
    notice, heading = run.stdout.splitlines()
    assert notice.startswith("Searched by words alone: The state folder cannot be written")
    assert notice.endswith(".")
    assert heading == "Cache"


def test_waiting_for_another_builder_ends(
    folder: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.setattr(index_build, "LOCK_SECONDS", 0.1)
    with FileLock(folder / "lock"), pytest.raises(StateFolderError, match="another process"):
        build_index(folder, corpus.chunks[1:], "1" * 64, FakeEmbedder())


def test_many_threads_may_ask_at_once(folder: Path, corpus: Corpus) -> None:
    embedder = FakeEmbedder()
    index = open_index(folder, corpus.hash, embedder)
    vectors = embedder.embed([chunk.text for chunk in corpus.chunks])
    answers: list[str] = []

    def ask(number: int) -> None:
        answers.extend(index.nearest(vectors[number % len(vectors)], 2).hits[0][0] for _ in range(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.close()
    assert len(answers) == 160
