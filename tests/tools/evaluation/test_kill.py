"""Killed in mid-run: the same command repeats nothing that was finished, and loses nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_script import Pause, Reply, Say
from tests.tools.evaluation.forking import Forking
from tests.tools.evaluation.scripted import FakeModels, asked, rubric_text

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SCENARIOS = 24
PACE = 0.02
"""Seconds to each answer."""
Request = tuple[str, str]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    with Forking(tmp_path_factory.mktemp("out")) as forking:
        yield forking


def _words(server: FakeModels, rubric: Path, *more: str) -> list[str]:
    return ["evaluate", "m", "--endpoint", server.base, "--rubric", str(rubric), "--json", *more]


def _rows(home: Path) -> list[dict[str, Any]]:
    rows = []
    for path in (home / "evaluations").glob("*/journal.jsonl"):
        rows += [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return rows


def _finished(home: Path) -> list[str]:
    return [row["scenario"] for row in _rows(home) if row["kind"] == "done"]


def _counts(server: FakeModels) -> Counter[str]:
    return Counter(f"s{asked(body).split()[-1]}" for body in server.requests)


def _slow(body: dict[str, Any]) -> Reply:
    number = int(asked(body).split()[-1])
    return [Pause(PACE), Say("yes" if number % 3 else "no")]


def _until(what: Any) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, program: Forking, number: signal.Signals, status: int
) -> None:
    rubric, home = tmp_path / "r.jsonl", tmp_path / "home"
    rubric.write_text(rubric_text(SCENARIOS), encoding="utf-8")
    with FakeModels(m=_slow) as server:
        started = program.start(_words(server, rubric, "--concurrency", "3"), home)
        _until(lambda: len(_finished(home)) >= 6)
        os.kill(started.pid, number)
        assert program.wait() == status
        there = _finished(home)
        assert 6 <= len(there) < SCENARIOS
        if number == signal.SIGINT:
            stopped = json.loads(started.out.read_text(encoding="utf-8"))
            assert (stopped["interrupted"], stopped["run"]["finished"]) == (True, len(there))
        before = _counts(server)
        document = program.run(_words(server, rubric), home)
    counts = _counts(server)
    # Nothing that was finished is asked again; only what was under way is.
    assert all(counts[name] == before[name] == 1 for name in there)
    assert all(1 <= counts[name] <= 2 for name in counts)
    assert sum(counts.values()) <= SCENARIOS + 3
    assert sorted(_finished(home)) == sorted(f"s{n}" for n in range(1, SCENARIOS + 1))
    assert document["run"]["resumed"] == len(there)
    assert document["models"][0]["passed"] == SCENARIOS - SCENARIOS // 3


def test_a_line_that_was_cut_off_is_asked_again(tmp_path: Path, program: Forking) -> None:
    rubric, home = tmp_path / "r.jsonl", tmp_path / "home"
    rubric.write_text(rubric_text(5), encoding="utf-8")
    with FakeModels(m=_slow) as server:
        words = _words(server, rubric)
        program.run(words, home)
        journal = next((home / "evaluations").glob("*/journal.jsonl"))
        journal.write_bytes(journal.read_bytes()[:-20])
        document = program.run(words, home)
    assert (len(server.requests), document["run"]["resumed"], document["complete"]) == (6, 4, True)
    assert "Damaged" in " ".join(document["caveats"])


MODELS, REPEATS, LANES = ("m", "n"), 2, 3
CASES = 4


def _conversations() -> str:
    """Scenarios of two turns with two judge checks, beside a deterministic one."""
    checks = [{"contains": "yes"}, {"judge": "It is kind."}, {"judge": "It is short."}]
    rows: list[dict[str, Any]] = [{"name": "Conversations"}]
    for number in range(1, CASES + 1):
        said = [{"role": "user", "content": f"{word} {number}"} for word in ("Hello", "Question")]
        messages = [said[0], {"role": "assistant"}, said[1]]
        rows.append({"id": f"s{number}", "messages": messages, "checks": checks})
    return "\n".join(map(json.dumps, rows))


def _talk(body: dict[str, Any]) -> Reply:
    """Every answer is another one, so that requests can be told apart."""
    return [Pause(PACE), Say(f"yes, {body['model']} {body['seed']} to {asked(body)}")]


def _judge(body: dict[str, Any]) -> Reply:
    return [Pause(PACE), Say(json.dumps({"lines": [{"line": 1, "reason": "so it is", "met": True}]}))]


def _request(body: dict[str, Any]) -> Request:
    return f"{body['model']} {body['seed']}", json.dumps(body["messages"])


def _kept(home: Path) -> int:
    """Answers on the disk: first turns, last ones, first verdicts, last ones."""
    return sum(row["kind"] in ("turn", "answer", "verdict", "done") for row in _rows(home))


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_no_answer_is_asked_for_twice(
    tmp_path: Path, program: Forking, seed: int
) -> None:
    rubric, home, chance = tmp_path / "r.jsonl", tmp_path / "home", random.Random(seed)
    rubric.write_text(_conversations(), encoding="utf-8")
    whole = CASES * len(MODELS) * REPEATS * 4
    kills = 0
    with FakeModels(m=_talk, n=_talk, j=_judge) as server:
        words = _words(server, rubric, "n", "--repeats", str(REPEATS), "--concurrency", str(LANES))
        words += ["--judge", "j", "--judge-endpoint", server.base]
        while _kept(home) < whole - 12:
            goal = len(server.requests) + chance.randint(4, 16)
            started = program.start(words, home)
            _until(lambda goal=goal: len(server.requests) >= goal)
            time.sleep(chance.uniform(0, 2 * PACE))
            os.kill(started.pid, signal.SIGKILL)
            assert program.wait() == -signal.SIGKILL
            kills += 1
            # What is on the disk is never asked for again: only what was under way at the kill.
            assert len(server.requests) - _kept(home) <= kills * LANES
        document = program.run(words, home)
    counts = Counter(map(_request, server.requests))
    assert len(counts) == whole
    assert kills >= 3
    assert sum(counts.values()) <= whole + kills * LANES
    assert [row["passed"] for row in document["models"]] == [CASES * REPEATS] * 2
    assert sorted(_finished(home)) == sorted([f"s{n}" for n in range(1, CASES + 1)] * 4)
