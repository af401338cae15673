"""The store: all or nothing, whoever is killed and whoever else writes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.own import store
from knowledge.own.store import (
    Entry,
    OwnGuide,
    StoreDamagedError,
    StoreFolderError,
    change_store,
    own_guides,
    read_store,
    text_digest,
)

TEXT = "# Title\n\nWords.\n"


def entry(source: str, text: str = TEXT) -> Entry:
    guide = OwnGuide(
        name="",
        source=source,
        sha256=text_digest(text),
        size=len(text),
        added="2026-11-21",
        kind="markdown",
        title="Title",
        as_of=None,
        body_start=0,
        pages=None,
        characters=len(text),
        passages=1,
        notices=(),
        near=None,
        signature="",
        reader=1,
        text_sha256=text_digest(text),
    )
    return Entry(guide, text)


def texts_on_disk(home: Path) -> set[str]:
    return {path.name for path in (home / "guides").iterdir()} - {"manifest.json", "lock"}


def sound(home: Path) -> dict[str, str]:
    """The text of each source; the store names what lies there, and nothing else lies there."""
    held = read_store(home)
    assert texts_on_disk(home) == {guide.text_file for guide in held}
    assert len({guide.name.casefold() for guide in held}) == len(held)
    loaded = {guide.file: "\n".join(guide.lines) + "\n" for guide in own_guides(home)}
    assert set(loaded) == {guide.file for guide in held}
    return {guide.source: loaded[guide.file] for guide in held}


def test_a_guide_comes_back_as_it_was_put(tmp_path: Path) -> None:
    (stored,) = change_store(tmp_path, [entry("/notes/My notes.pdf")])
    (guide,) = own_guides(tmp_path)
    assert (stored.name, guide.file, guide.origin) == ("My-notes", "own/My-notes.md", "own")
    assert guide.provenance == "/notes/My notes.pdf, added 2026-11-21"
    assert guide.lines == ("# Title", "", "Words.")


def test_the_persons_folder_is_shown_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert entry(f"{tmp_path}/notes/a.md").guide.provenance == "~/notes/a.md, added 2026-11-21"


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (("/a/x.md", "/b/X.txt", "/c/x.pdf"), ["x", "X-2", "x-3"]),
        (("/a/licenses.md",), ["licenses"]),
        (("/a/..md", "/a/---.md"), ["guide", "guide-2"]),
        (("/a/\u6a21\u578b \u7b14\u8bb0.md",), ["\u6a21\u578b-\u7b14\u8bb0"]),
        ((f"/a/{'x' * 240}.md",), ["x" * 80]),
    ],
)
def test_names_are_short_distinct_and_fit_for_files(
    sources: tuple[str, ...], names: list[str], tmp_path: Path
) -> None:
    stored = change_store(
        tmp_path, [entry(source, f"{TEXT}{source}".encode("utf-8", "replace").decode()) for source in sources]
    )
    assert [guide.name for guide in stored] == names
    assert len(own_guides(tmp_path)) == len(sources)


def test_a_changed_file_keeps_its_name_and_leaves_no_old_text(tmp_path: Path) -> None:
    change_store(tmp_path, [entry("/a/x.md")])
    change_store(tmp_path, [entry("/a/x.md", "new words\n")])
    assert sound(tmp_path) == {"/a/x.md": "new words\n"}


def test_a_file_that_the_person_put_there_stays(tmp_path: Path) -> None:
    change_store(tmp_path, [entry("/a/x.md")])
    (tmp_path / "guides" / "mine.md").write_text("mine")
    change_store(tmp_path, drop=["x"])
    assert (tmp_path / "guides" / "mine.md").read_text() == "mine"
    assert own_guides(tmp_path) == ()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["one\n", "two\n", None])).map(
            lambda pair: (f"/{pair[0]}/same.md", pair[1])
        ),
        max_size=12,
    )
)
def test_any_order_of_adding_and_removing_leaves_what_was_put(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | None]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    expected: dict[str, str] = {}
    change_store(home)
    for source, text in steps:
        if text is None:
            change_store(home, drop=[guide.name for guide in read_store(home) if guide.source == source])
            expected.pop(source, None)
        else:
            change_store(home, [entry(source, text)])
            expected[source] = text
        assert sound(home) == expected


@pytest.mark.parametrize("content", ["", "{", '{"format": 9}', '{"format": 1, "guides": [{"name": "x"}]}'])
def test_a_damaged_list_is_said_and_hides_no_shipped_guide(content: str, tmp_path: Path) -> None:
    change_store(tmp_path, [entry("/a/x.md")])
    (tmp_path / "guides" / "manifest.json").write_text(content)
    with pytest.raises(StoreDamagedError, match="damaged"):
        read_store(tmp_path)
    with pytest.raises(StoreDamagedError):
        change_store(tmp_path, [entry("/a/y.md")])
    assert own_guides(tmp_path) == ()


def test_a_text_that_was_edited_is_left_out(tmp_path: Path) -> None:
    first, _ = change_store(tmp_path, [entry("/a/x.md"), entry("/a/y.md")])
    (tmp_path / "guides" / first.text_file).write_text("edited")
    assert [guide.file for guide in own_guides(tmp_path)] == ["own/y.md"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "guides").write_text("a file")
    with pytest.raises(StoreFolderError, match="cannot be stored"):
        change_store(tmp_path, [entry("/a/x.md")])


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change_store(tmp_path, [entry("/a/x.md")])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("knowledge.files.os.fsync", full)
        with pytest.raises(StoreFolderError, match="No space left"):
            change_store(tmp_path, [entry("/a/y.md", "other\n")])
    change_store(tmp_path)
    assert sound(tmp_path) == {"/a/x.md": TEXT}


def test_somebody_else_who_holds_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    change_store(tmp_path)
    with FileLock(tmp_path / "guides" / "lock"), pytest.raises(StoreFolderError, match="another process"):
        change_store(tmp_path, [entry("/a/x.md")])


def _put_some(home: Path, who: int) -> None:
    for number in range(15):
        change_store(
            home,
            [entry(f"/{who}/n.md", f"{who} {number}\n"), entry(f"/{who}/{number}.md", f"{who}-{number}\n")],
        )


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_some, args=(tmp_path, who)) for who in range(2)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        assert all(guide.lines for guide in own_guides(tmp_path))
        time.sleep(0.01)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(sound(tmp_path)) == 2 * 16


def test_a_killed_writer_leaves_whole_guides(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.knowledge.own.test_store import put_for_ever; "
        "put_for_ever(Path(sys.argv[1]))"
    )
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=os.environ)
        until = time.monotonic() + 20
        before = len(read_store(tmp_path))
        while len(read_store(tmp_path)) <= before and time.monotonic() < until:
            time.sleep(0.005)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        held = read_store(tmp_path)
        assert len(held) > before
        assert len(own_guides(tmp_path)) == len(held)
    change_store(tmp_path)
    sound(tmp_path)


def put_for_ever(home: Path) -> None:
    """Stores one guide after the other, until it is killed."""
    number = len(read_store(home))
    while True:
        change_store(home, [entry(f"/x/{number}.md", f"{number}\n" * 2_000)])
        number += 1
