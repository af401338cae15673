"""`sessions list|show|rename|export|delete` on real conversations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.lock import SessionLock
from knowledge.home import HOME_VARIABLE
from tests.agent.conversing import NEEDS, all_of, opened, said
from tests.eval.conversation import fixed_machine
from tests.tui.cli_help import Program

ODD = "\u00e9t\u00e9 2. -x_"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with the conversations `my work` (answered, with a branch) and one with an odd name."""

    async def talk() -> None:
        odd, _ = await opened(tmp_path, ODD)
        await said(odd, "chat on an RTX 3090")
        await odd.close()
        work, _ = await opened(tmp_path, "my work")
        await said(work, NEEDS)
        await all_of(work.recommend())
        await all_of(work.branch("aside"))
        await said(work, "16k context please")
        await all_of(work.leave())
        await work.close()

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with fixed_machine():
        asyncio.run(talk())
        yield tmp_path


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


def names(program: Program) -> list[str]:
    return [one["name"] for one in program("sessions", "list", "--json").document["sessions"]]


def test_none_is_saved_yet(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "new"))
    assert program("sessions", "list", "--json").document == {"sessions": []}
    assert "No conversation is saved yet" in program("sessions", "list").out
    assert program("sessions", "show", "x").status == 1


def test_list_and_show(home: Path, program: Program) -> None:
    first, second = program("sessions", "list", "--json").document["sessions"]
    assert (first["name"], second["name"]) == ("my work", ODD)
    assert (first["said"], first["branches"], first["branch"]) == (1, ["aside"], "main")
    assert first["recommended"]
    assert first["first"] == NEEDS
    listed = program("sessions", "list").out
    assert all(len(line) <= 80 for line in listed.split("\n"))
    assert first["recommended"][0] in listed
    shown = program("sessions", "show", "my work", "--json").document
    assert [said["role"] for said in shown["messages"]] == ["user", "advisor", "advisor"]
    assert shown["needs"]["hardware"]["quote"]
    assert shown["recommendation"]["candidates"][0]["why"][0]["evidence"]
    assert shown["branches"][0]["needs"]["context"] != shown["needs"]["context"]
    text = program("sessions", "show", "my work").out
    assert "aside, from main" in text
    long = [line for line in text.split("\n") if len(line) > 80]
    assert [line for line in long if "://" not in line and not line.startswith("    ")] == []


def test_rename_keeps_all(home: Path, program: Program) -> None:
    before = program("sessions", "show", "my work", "--json").document
    done = program("sessions", "rename", "my work", ODD + "2", "--json")
    assert done.document == {"renamed": "my work", "name": ODD + "2"}
    assert sorted(names(program)) == sorted([ODD + "2", ODD])
    after = program("sessions", "show", ODD + "2", "--json").document
    for document in (before, after):
        del document["session"], document["exported"]
    assert after == before
    assert program("sessions", "rename", ODD, ODD + "2").status == 2
    assert program("sessions", "rename", ODD, "a/b").status == 2
    assert program("sessions", "rename", ODD).status == 2
    assert program("sessions", "rename", "none", "other").status == 1


def test_an_unknown_name_gets_the_nearest(home: Path, program: Program) -> None:
    for command in (["show"], ["export"], ["delete", "--yes"]):
        done = program("sessions", command[0], "my wrok", *command[1:], "--json")
        assert done.status == 1
        assert "\u201cmy work\u201d" in done.document["error"]["hint"]


def test_export(home: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = program("sessions", "export", "my work", "--json").document
    assert document["recommendation"]
    receipt = program("sessions", "export", "my work", "--format", "html", "--json").document
    assert (receipt["format"], Path(receipt["path"]).suffix) == ("html", ".html")
    assert Path(receipt["path"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    program("sessions", "export", "my work", "--output", "a.json")
    assert json.loads(Path("a.json").read_text(encoding="utf-8"))["messages"] == document["messages"]
    assert program("sessions", "export", "my work", "--output", "-").out.startswith("# Conversation")
    assert program("sessions", "export", "my work", "--format", "pdf").status == 2
    assert program("sessions", "export", "my work", "--output", "none/a.md").status == 2


def test_delete_asks_first(home: Path, program: Program) -> None:
    for words in (["delete", "my work"], ["delete", "my work", "--json"]):
        assert program("sessions", *words).status == 2
    assert "my work" in names(program)
    assert program("sessions", "delete", "my work", "--yes", "--json").document == {"deleted": "my work"}
    assert names(program) == [ODD]
    assert NEEDS.encode() not in (home / "sessions.sqlite").read_bytes()


def test_one_that_is_open_is_left_alone(home: Path, program: Program) -> None:
    lock = SessionLock(home, "my work")
    lock.acquire()
    try:
        for words in (["delete", "my work", "--yes"], ["rename", "my work", "other"]):
            done = program("sessions", *words, "--json")
            assert (done.status, done.document["error"]["code"]) == (1, "session_busy")
        assert program("sessions", "show", "my work").status == 0
    finally:
        lock.release()


def test_a_damaged_file_is_said_and_not_taken_for_an_empty_one(home: Path, program: Program) -> None:
    (home / "sessions.sqlite").write_bytes(b"no database" * 1_000)
    said = program("sessions", "list", "--json")
    assert said.status == 1
    assert "damaged" in said.document["error"]["message"]
    assert names(program) == []
