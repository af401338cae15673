"""The reading process: what a document can do to it, and that the next one is read."""

from __future__ import annotations

import sys

import pytest

from knowledge.own.child import ChildReader, ReaderError
from knowledge.own.document import RefusedError
from tests.knowledge.own.documents import pdf, shown
from tests.waiting import not_waited_for

WORKER = "import knowledge.own.reading_worker as worker, os, socket, time\n"


def reader(does: str, **seconds: float) -> ChildReader:
    """The real reading process, in which a document called `bad.md` has something done."""
    script = f"{WORKER}read = worker.read_document\ndef bad(name, data, progress):\n"
    script += f"    if name == 'bad.md':\n        {does}\n    return read(name, data, progress)\n"
    script += "worker.read_document = bad\nworker.main()\n"
    return ChildReader((sys.executable, "-c", script), **seconds)


@pytest.mark.parametrize(
    ("does", "code"),
    [
        ("os._exit(3)", "crashed"),
        ("os.abort()", "crashed"),
        ("time.sleep(60)", "too_slow"),
        ("bytearray(1 << 40)", "memory"),
        ("bad(name, data, progress)", "damaged"),
        ("{}['x']", "damaged"),
        ("socket.create_connection(('127.0.0.1', 9))", "damaged"),
        ("file = open('written', 'w'); file.write('x'); file.flush()", "damaged"),
        ("print('noise'); raise ValueError", "damaged"),
    ],
)
def test_a_document_that_is_too_much_is_one_sentence_and_the_next_is_read(
    does: str, code: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    child = reader(does, step=20.0 if code != "too_slow" else 6.0)
    try:
        with pytest.raises(RefusedError) as refused:
            child.read("bad.md", b"# Title\n\nwords\n")
        assert refused.value.code == code
        assert child.read("good.md", b"# Title\n\nwords\n").title == "Title"
    finally:
        child.close()


def test_pages_are_told_and_reset_the_clock() -> None:
    child = reader("[(time.sleep(0.4), progress(page, 5)) for page in range(5)]; name = 'x'", step=3.0)
    seen: list[tuple[int, int]] = []
    try:
        child.read("good.md", b"words")  # the start is not what is timed
        child._step = 1.0
        document = child.read("bad.md", b"words", lambda page, pages: seen.append((page, pages)))
    finally:
        child.close()
    assert document.text == "words"
    assert seen == [(page, 5) for page in range(5)]


def test_a_whole_file_has_a_limit_too() -> None:
    child = reader("[(time.sleep(0.2), progress(page, 999)) for page in range(500)]", whole=2.0)
    try:
        with not_waited_for(), pytest.raises(RefusedError, match="takes longer than"):
            child.read("bad.md", b"words")
    finally:
        child.close()


def test_the_real_process_reads_a_pdf() -> None:
    child = ChildReader()
    try:
        assert child.read("a.pdf", pdf([shown("Words.")])).text == "## Page 1\n\nWords.\n"
    finally:
        child.close()


def test_a_process_that_cannot_be_started_is_said() -> None:
    with pytest.raises(ReaderError, match="cannot be started"):
        ChildReader(("/nowhere/python",)).read("a.md", b"x")
