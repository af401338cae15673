"""A review that is killed in mid-step: the next call goes on, and asks nothing again that was answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_script import Pause, Reply, Say
from tests.tools.evaluation.scripted import FakeModels, asked
from tests.tui.cli_help import Program
from tests.tui.reviewing import CALL, OTHER, STATE, kept_file, options, review_home, reviewed, rubric_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return review_home(tmp_path, monkeypatch)


def _slow(body: dict[str, Any]) -> Reply:
    return [Pause(0.05), Say("yes" if int(asked(body).split()[-1]) % 3 else "no")]


def _finished(home: Path) -> int:
    return sum(
        path.read_bytes().count(b'"done"') for path in (home / "home").glob("evaluations/*/journal.jsonl")
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_killed_step_goes_on_where_it_was(
    program: Program, home: Path, number: signal.Signals, status: int
) -> None:
    root = str(Path(__file__).resolve().parents[2])
    words = [sys.executable, "-P", "-m", "tui.cli", *CALL, "--run", "--json"]
    with FakeModels(old=_slow, new=_slow) as server:
        reviewed(program, *options(server, rubric_of(home, 24)), times=2)
        started = subprocess.Popen(
            words,
            env={**os.environ, "PYTHONPATH": root},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while _finished(home) < 30:
            assert time.monotonic() < until
            time.sleep(0.01)
        started.send_signal(number)
        assert started.wait(60) == status
        there = _finished(home)
        assert 30 <= there < 48
        kept = program(*CALL, "--status", "--json").document
        assert kept["steps"][2]["state"] == "partly"
        left = kept["next"]["estimate"]["requests"]
        assert left == 48 - there
        before = len(server.requests)
        document = reviewed(program)
        assert len(server.requests) - before == left
    assert [row["passed"] for row in document["steps"][2]["result"]["measured"]] == [16, 16]


def test_a_killed_repetition_goes_on_and_does_not_begin_anew(program: Program, home: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    words = [sys.executable, "-P", "-m", "tui.cli", *CALL, "--run", "--again", "3", "--json"]
    with FakeModels(old=_slow, new=_slow) as server:
        reviewed(program, *options(server, rubric_of(home, 24)), times=3)
        server.requests.clear()
        started = subprocess.Popen(
            words,
            env={**os.environ, "PYTHONPATH": root},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while len(server.requests) < 12:
            assert time.monotonic() < until
            time.sleep(0.01)
        started.kill()
        started.wait(60)
        left = program(*CALL, "--status", "--json").document["next"]["estimate"]["requests"]
        assert 24 < left < 48
        before = len(server.requests)
        document = reviewed(program)
        assert len(server.requests) - before == left
    assert document["steps"][2]["state"] == "done"
    assert before + left <= 48 + 4


def test_killed_while_it_is_written_the_file_is_the_old_or_the_new_one(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER)
    before = kept_file(home).read_text(encoding="utf-8")
    kept_file(home).with_name(f"{STATE}.4711.new").write_text(before[:50], encoding="utf-8")
    assert reviewed(program)["ran"]["step"] == 2
