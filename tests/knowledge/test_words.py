from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge import words as words_module
from knowledge.corpus import Guide, load_guides
from knowledge.words import Words, open_words, passages_key
from tests.knowledge.fakes import MEMORY, write_guides

QUERIES = ("cache per token", "q4_k_m", "commercial use without conditions", "zebra")


@pytest.fixture
def guides(tmp_path: Path) -> tuple[Guide, ...]:
    return load_guides([write_guides(tmp_path / "guides")])


def opened(folder: Path, guides: tuple[Guide, ...]) -> Words:
    return open_words(folder, passages_key(guides), guides)


def answers(words: Words) -> list[list[float]]:
    return [words.lexical.scores(query).tolist() for query in QUERIES]


def stores(folder: Path) -> list[Path]:
    return sorted(folder.glob("words-*"))


@pytest.fixture
def no_cutting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes it an error to cut guides from now on."""

    def forbid() -> None:
        monkeypatch.setattr(words_module, "chunk_guides", lambda guides: pytest.fail("guides were cut"))

    return forbid


def test_a_stored_index_answers_like_a_new_one(
    tmp_path: Path, guides: tuple[Guide, ...], no_cutting: Callable[[], None]
) -> None:
    first = opened(tmp_path / "index", guides)
    no_cutting()
    again = open_words(tmp_path / "index", passages_key(guides), ())
    assert list(again.passages) == list(first.passages)
    assert answers(again) == answers(first)
    assert max(answers(again)[0]) > 0
    assert max(answers(again)[3]) == 0
    for token in ("cach", "apach", "zebra"):
        assert again.lexical.rarity(token) == first.lexical.rarity(token)


def test_passages_are_found_by_number_and_by_id(tmp_path: Path, guides: tuple[Guide, ...]) -> None:
    words = opened(tmp_path / "index", guides)
    assert len(words.passages) == len(list(words.passages)) >= 5
    assert words.passages[-1] == words.passages[len(words.passages) - 1]
    assert words.passages[1:3] == [words.passages[1], words.passages[2]]
    for number, chunk in enumerate(words.passages):
        assert words.place(chunk.id) == number
    assert words.place("f" * 16) is None
    assert words.place("\u00e9") is None
    with pytest.raises(IndexError):
        words.passages[len(words.passages)]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "passages cut short": lambda store: (store / "passages.jsonl").write_bytes(b"[1"),
    "scores changed": lambda store: flip(store / "scores.npy"),
    "vocabulary gone": lambda store: (store / "vocabulary.json").unlink(),
    "manifest garbage": lambda store: (store / "manifest.json").write_text("{]"),
    "manifest of no object": lambda store: (store / "manifest.json").write_text("[1]"),
    "manifest gone": lambda store: (store / "manifest.json").unlink(),
    "everything gone": shutil.rmtree,
}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 0xFF
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_store_is_written_again(
    tmp_path: Path,
    guides: tuple[Guide, ...],
    damage: Callable[[Path], object],
    no_cutting: Callable[[], None],
) -> None:
    right = answers(opened(tmp_path / "index", guides))
    (store,) = stores(tmp_path / "index")
    damage(store)
    assert answers(opened(tmp_path / "index", guides)) == right
    no_cutting()
    assert answers(opened(tmp_path / "index", guides)) == right
    assert stores(tmp_path / "index") == [store]


def test_changed_guides_and_changed_code_have_stores_of_their_own(
    tmp_path: Path, guides: tuple[Guide, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path / "index", guides)
    changed = load_guides([write_guides(tmp_path / "new", memory=MEMORY.replace("cache", "store"))])
    assert max(opened(tmp_path / "index", changed).lexical.scores("store")) > 0
    monkeypatch.setattr(words_module, "_cutting", lambda: "another tokenizer")
    opened(tmp_path / "index", guides)
    assert len(stores(tmp_path / "index")) == 3


def test_old_stores_go_and_their_readers_go_on(tmp_path: Path, guides: tuple[Guide, ...]) -> None:
    first = opened(tmp_path / "index", guides)
    right = answers(first)
    for number in range(4):
        text = MEMORY.replace("cache", f"cache{number}")
        opened(tmp_path / "index", load_guides([write_guides(tmp_path / str(number), memory=text)]))
    assert len(stores(tmp_path / "index")) == words_module.KEPT
    assert answers(first) == right
    assert first.passages[0].text


def test_a_folder_that_cannot_be_written_leaves_the_words_in_memory(
    tmp_path: Path, guides: tuple[Guide, ...]
) -> None:
    (tmp_path / "file").write_text("in the way")
    words = opened(tmp_path / "file" / "index", guides)
    assert max(words.lexical.scores("cache per token")) > 0
    assert words.place(words.passages[2].id) == 2


def test_no_guides_have_no_words(tmp_path: Path) -> None:
    for _ in range(2):
        words = opened(tmp_path / "index", ())
        assert len(words.passages) == 0
        assert words.lexical.scores("cache").shape == (0,)
        assert words.place("x") is None


def test_writers_at_once_leave_one_sound_store(tmp_path: Path, guides: tuple[Guide, ...]) -> None:
    found: list[list[list[float]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(answers(opened(tmp_path / "index", guides))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(one == found[0] for one in found)
    assert len(stores(tmp_path / "index")) == 1


def test_opening_a_store_imports_no_word_library(tmp_path: Path, guides: tuple[Guide, ...]) -> None:
    opened(tmp_path / "index", guides)
    script = (
        "import sys; from pathlib import Path; from knowledge.words import open_words; "
        f"words = open_words(Path({str(tmp_path / 'index')!r}), {passages_key(guides)!r}, ()); "
        "words.lexical.scores('cache'); print(len(words.passages), 'bm25s' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split()[1] == "False"
    assert int(found.stdout.split()[0]) > 0
