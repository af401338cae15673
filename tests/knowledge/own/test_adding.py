"""Adding files: what is new, changed, moved, doubled, refused or gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knowledge.corpus import SHIPPED
from knowledge.errors import UsageError
from knowledge.own.adding import InterruptedAddError, Report, Step, add_files
from knowledge.own.reading import READER
from knowledge.own.store import own_guides, read_store
from tests.knowledge.own.documents import InProcessReader, note, pdf, shown


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(3):
        (folder / f"n{number}.md").write_text(note(number))
    return folder


def add(*paths: Path, home: Path | None = None, reader: InProcessReader | None = None) -> Report:
    home = home or paths[0].parent / "home"
    return add_files([str(path) for path in paths], home, reader=reader or InProcessReader())


def test_a_folder_is_added_and_its_lines_are_those_of_the_files(notes: Path, tmp_path: Path) -> None:
    report = add(notes)
    assert [guide.file for guide in report.added] == ["own/n0.md", "own/n1.md", "own/n2.md"]
    guide = own_guides(tmp_path / "home")[1]
    assert guide.lines == tuple(note(1).removesuffix("\n").split("\n"))
    assert guide.title == "Note 1"


def test_unchanged_files_are_not_read_again(notes: Path) -> None:
    add(notes)
    (notes / "n1.md").write_text(note(1) + "\nMore.\n")
    reader = InProcessReader()
    report = add(notes, reader=reader)
    assert (report.unchanged, [guide.file for guide in report.replaced]) == (2, ["own/n1.md"])
    assert reader.read_names == ["n1.md"]
    assert reader.closed


def test_files_are_read_again_by_a_newer_reader(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(notes)
    monkeypatch.setattr("knowledge.own.adding.READER", READER + 1)
    assert len(add(notes).replaced) == 3


def test_a_text_that_is_gone_is_read_again(notes: Path, tmp_path: Path) -> None:
    add(notes)
    (tmp_path / "home" / "guides" / read_store(tmp_path / "home")[0].text_file).unlink()
    assert len(add(notes).replaced) == 1
    assert len(own_guides(tmp_path / "home")) == 3


def test_vanished_files_are_told_and_their_guides_stay(notes: Path, tmp_path: Path) -> None:
    add(notes)
    (notes / "n1.md").unlink()
    report = add(notes)
    assert [guide.file for guide in report.vanished] == ["own/n1.md"]
    assert len(own_guides(tmp_path / "home")) == 3


def test_a_moved_file_keeps_its_guide(notes: Path, tmp_path: Path) -> None:
    add(notes)
    shutil.move(notes / "n1.md", notes / "other.md")
    report = add(notes)
    assert [(guide.file, guide.source) for guide in report.moved] == [
        ("own/other.md", str(notes / "other.md"))
    ]
    assert report.vanished == []
    assert len(own_guides(tmp_path / "home")) == 3


def test_exact_copies_are_skipped(notes: Path, tmp_path: Path) -> None:
    shutil.copy(notes / "n1.md", notes / "copy.md")
    shutil.copy(SHIPPED / "licenses.md", notes / "mine.md")
    report = add(notes)
    assert len(report.added) == 3
    told = {path.name: refused.message for path, refused in report.refused}
    assert "is the same as" in told["n1.md"]
    assert told["mine.md"] == "is the shipped guide licenses.md, word for word"


def test_near_copies_are_noticed(notes: Path) -> None:
    (notes / "z-edited.md").write_text(note(1) + "\nOne more line.\n")
    (notes / "z-license.md").write_text((SHIPPED / "licenses.md").read_text() + "\nMy remark.\n")
    near = {guide.name: guide.near for guide in add(notes).added}
    assert near == {
        "n0": None,
        "n1": None,
        "n2": None,
        "z-edited": str(notes / "n1.md"),
        "z-license": "licenses.md",
    }


def test_what_cannot_be_read_does_not_stop_the_others(notes: Path) -> None:
    (notes / "a-scan.pdf").write_bytes(pdf([b"q Q"]))
    (notes / "b-broken.pdf").write_bytes(b"%PDF-")
    (notes / "c-huge.txt").touch()
    os.truncate(notes / "c-huge.txt", 100_000_000)
    (notes / "d-nothing.md").touch()
    (notes / "e-locked.pdf").write_bytes(pdf([shown("Words.")]))
    report = add(notes)
    assert len(report.added) == 4
    assert {path.name: refused.code for path, refused in report.refused} == {
        "a-scan.pdf": "no_text",
        "b-broken.pdf": "damaged",
        "c-huge.txt": "too_large",
        "d-nothing.md": "empty",
    }


def test_a_path_that_leads_nowhere_adds_nothing(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        add(notes, tmp_path / "nowhere")
    assert not (tmp_path / "home").exists()


def test_an_interrupt_keeps_what_was_read_and_the_next_call_goes_on(notes: Path, tmp_path: Path) -> None:
    reader = InProcessReader({"n2.md": KeyboardInterrupt()})
    with pytest.raises(InterruptedAddError) as interrupted:
        add(notes, reader=reader)
    assert interrupted.value.report.changed == 2
    assert reader.closed
    assert [guide.file for guide in own_guides(tmp_path / "home")] == ["own/n0.md", "own/n1.md"]
    report = add(notes)
    assert (report.unchanged, len(report.added)) == (2, 1)


def test_every_file_and_page_is_told(notes: Path, tmp_path: Path) -> None:
    (notes / "p.pdf").write_bytes(pdf([shown("One."), shown("Two.")]))
    steps: list[Step] = []
    add_files([str(notes)], tmp_path / "home", steps.append, InProcessReader())
    assert [step.done for step in steps] == [0, 1, 2, 3, 3, 3, 4]
    assert [(step.page, step.pages) for step in steps if step.pages] == [(1, 2), (2, 2)]
    assert steps[-1] == Step(4, 4)


def test_a_thousand_files_are_added(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1_000):
        (folder / f"n{number}.md").write_text(note(number))
    report = add(folder)
    assert len(report.added) == 1_000
    assert len(own_guides(tmp_path / "home")) == 1_000
    assert add(folder).unchanged == 1_000


def test_two_adders_of_one_folder_store_every_file_once(tmp_path: Path) -> None:
    folder = _many(tmp_path, 120)
    adders = [_adder(folder, tmp_path / "home") for _ in range(2)]
    assert [adder.wait(60) for adder in adders] == [0, 0]
    held = read_store(tmp_path / "home")
    assert len(held) == len({guide.source for guide in held}) == 120
    assert len(own_guides(tmp_path / "home")) == 120


def test_a_killed_adder_leaves_whole_guides_and_the_next_call_goes_on(tmp_path: Path) -> None:
    folder, home = _many(tmp_path, 300), tmp_path / "home"
    adder = _adder(folder, home, commit_files=10)
    until = time.monotonic() + 60
    while not read_store(home) and adder.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    adder.send_signal(signal.SIGKILL)
    adder.wait()
    kept = read_store(home)
    assert 0 < len(kept) < 300
    assert len(own_guides(home)) == len(kept)
    report = add(folder, home=home)
    assert (report.unchanged, len(report.added)) == (len(kept), 300 - len(kept))


def _many(root: Path, count: int) -> Path:
    folder = root / "many"
    folder.mkdir()
    for number in range(count):
        (folder / f"n{number}.md").write_text(note(number))
    return folder


def _adder(folder: Path, home: Path, commit_files: int = 200) -> subprocess.Popen[bytes]:
    script = (
        "import sys; from pathlib import Path; from knowledge.own import adding; "
        f"adding.COMMIT_FILES = {commit_files}; adding.add_files([sys.argv[1]], Path(sys.argv[2]))"
    )
    return subprocess.Popen([sys.executable, "-c", script, str(folder), str(home)])
