"""`bench` through the command line, against servers in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from knowledge.measured_here import MeasuredRun, load_runs
from tests.fakes.paced_server import Pace, PacedServer
from tests.tui.cli_help import Program

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
QUICK = ("--repeats", "2", "--output-tokens", "16", "--prompt-tokens", "64,128", "--concurrency", "1,2")
FAST = Pace(0.05, tps=200)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else runs on the machine of the tests is not spoken of."""
    monkeypatch.setattr("tools.commands.bench.Others.share", lambda others: 0.0)


def _ollama(monkeypatch: pytest.MonkeyPatch, server: PacedServer) -> None:
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", server.url)


def test_a_document_with_all_that_was_measured(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with PacedServer(Pace(0.05, tps=200, load_s=0.4, prompt_tps=3000)) as server:
        _ollama(monkeypatch, server)
        done = program("bench", "llama3.1:8b", *QUICK, "--json")
    assert done.status == 0, done.err
    found = done.document
    assert (found["complete"], found["stopped"], found["saved"]) == (True, None, True)
    assert found["server"]["engine"] == "ollama"
    assert found["model_id"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert found["load"]["source"] == "Ollama"
    assert found["memory"]["accelerator_bytes"] == 5 << 30
    assert [(point["prompt_tokens"], point["parallel"], point["samples"]) for point in found["points"]] == [
        (64, 1, 2),
        (128, 1, 2),
        (64, 2, 4),
        (128, 2, 4),
    ]
    for point in found["points"]:
        for name in ("first_token_s", "prompt_tps", "generation_tps", "total_tps"):
            assert 0 < point[name]["low"] <= point[name]["mid"] <= point[name]["high"]
        assert point["server_stated"]["generation_tps"]["mid"] == pytest.approx(200, rel=0.01)  # its script
        assert point["tokens_counted_by"] == "server"
    assert found["interval"]["confidence"] == 0.5
    assert found["calibrates"] is True
    assert "prompt cache" in found["method"][0]
    # How far the script is from this machine's estimate is its own affair.
    assert [note for note in found["notes"] if not note.startswith("Generation was")] == []
    assert "Measuring: 12 requests" in done.err
    (kept,) = load_runs()
    assert (kept.complete, kept.machine) == (True, found["machine"]["key"])


def test_people_get_a_table_and_the_list_of_runs(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with PacedServer(FAST) as server:
        _ollama(monkeypatch, server)
        told = program("bench", "llama3.1:8b", *QUICK, "--compare")
    assert told.status == 0, told.err
    for words in (
        "llama3.1:8b: measured",
        "at once",
        "Seconds to the first token",
        "own clock",
        "50% of cases",
        "beside the estimate",
    ):
        assert words in " ".join(told.out.split())
    assert max(map(len, told.out.split("\n"))) <= 80
    listed = program("--offline", "bench", "--list")
    assert "llama3.1:8b" in listed.out
    assert "this machine" in listed.out
    beside = program("bench", "--compare", "--json").document["comparisons"][0]
    assert beside["speeds"][0]["measured"]["mid"] > 0
    assert program("bench", "--forget", "nothing").status == 1
    assert program("bench", "--forget", "llama3.1:8b", "--json").document == {"forgotten": 1, "left": 0}
    assert "Nothing was measured" in program("bench", "--list").out
    assert program("bench", "--compare").status == 1


def test_json_lines_are_measured_one_after_the_other(program: Program) -> None:
    with PacedServer(Pace(0.05, tps=200, engine="vllm")) as server:
        quick: dict[str, Any] = {
            "endpoint": server.url,
            "repeats": 1,
            "output_tokens": 16,
            "prompt_tokens": [64],
        }
        lines = [
            quick | {"concurrency": "1"},
            {"model": "nope", "endpoint": server.url},
            quick | {"concurrency": [2], "no_save": True},
        ]
        done = program("bench", "--stdin", "--json", stdin=lines)
    assert done.status == 0
    first, second, third = done.lines
    assert [point["parallel"] for point in first["points"]] == [1]
    assert second["error"]["code"] == "unknown_model"
    assert [point["parallel"] for point in third["points"]] == [2]
    assert len(load_runs()) == 1


def test_what_cannot_be_kept_is_shown_all_the_same(program: Program, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "measured").write_text("a file in the way", encoding="utf-8")
    with PacedServer(Pace(0.05, tps=200, engine="vllm")) as server:
        done = program("bench", "--endpoint", server.url, *QUICK, "--json")
    assert done.status == 0
    assert (done.document["complete"], done.document["saved"]) == (True, False)
    assert any("cannot be kept" in note for note in done.document["notes"])


def test_a_cold_load_is_measured_where_it_is_asked_for(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PacedServer(Pace(0.05, tps=200, load_s=0.5)) as server:
        _ollama(monkeypatch, server)
        loads = [
            program("bench", "llama3.1:8b", *QUICK, *more, "--json").document["load"]
            for more in ((), (), ("--cold",))
        ]
        endpoint = program("bench", "llama3.1:8b", "--cold", "--endpoint", "http://127.0.0.1:1", "--json")
    assert loads[1] is None
    for load in (loads[0], loads[2]):
        assert load["seconds"] >= 0.49
    assert endpoint.status == 3


def test_a_prompt_that_the_server_cut_is_noticed(program: Program) -> None:
    with PacedServer(Pace(0.05, tps=200, engine="x", counts_at_most=70)) as server:
        done = program("bench", server.pace.model, "--endpoint", server.url, *QUICK, "--json")
    assert any("far fewer prompt tokens" in note for note in done.document["notes"])


def test_nothing_is_kept_where_it_is_not_wanted(program: Program) -> None:
    with PacedServer(Pace(0.05, tps=200, engine="vllm", usage=False)) as server:
        done = program("bench", "--endpoint", f"{server.url}/v1", *QUICK, "--no-save", "--json")
    assert done.document["saved"] is False
    assert done.document["server"]["engine"] == "vllm"
    assert {point["tokens_counted_by"] for point in done.document["points"]} == {"chunks"}
    assert {point["prompt_tps"] is None for point in done.document["points"]} == {True}
    assert any("does not count" in note for note in done.document["notes"])
    assert load_runs() == ()


def test_a_busy_machine_is_said(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.commands.bench.Others.share", lambda others: 0.5)
    with PacedServer(Pace(0.05, tps=200, engine="vllm")) as server:
        done = program("bench", "--endpoint", server.url, *QUICK, "--json")
    assert any("50% of the processors busy" in note for note in done.document["notes"])


def test_it_is_said_where_no_estimate_changes_by_it(program: Program) -> None:
    with PacedServer(Pace(0.05, tps=200, engine="x", model="nobody-knows")) as server:
        asked = ("bench", "--endpoint", server.url, *QUICK)
        done, told = program(*asked, "--json"), program(*asked).out
    assert (done.document["saved"], done.document["calibrates"]) == (True, False)
    note = next(note for note in done.document["notes"] if "estimates are not changed" in note)
    for what in ("which model of the catalog", "the format", "its engine"):
        assert what in note
    assert "Kept for comparison" in told


def test_answers_that_somebody_holds_back_have_no_speed_and_it_is_said(program: Program) -> None:
    once = ("--repeats", "1", "--output-tokens", "16", "--prompt-tokens", "64", "--concurrency", "1")
    with PacedServer(Pace(0.5, tps=1e6, engine="x")) as server:
        done = program("bench", "--endpoint", server.url, *once, "--json")
    assert any("holds them back" in note for note in done.document["notes"])
    assert {point["generation_tps"] is None for point in done.document["points"]} == {True}


def test_a_server_that_dies_leaves_a_document_and_status_3(program: Program) -> None:
    with PacedServer(Pace(0.05, tps=200, engine="llama.cpp", dies_at=8)) as server:
        done = program("bench", "x", "--endpoint", server.url, *QUICK, "--json")
    assert done.status == 3
    assert (done.document["complete"], done.document["stopped"]) == (False, "failed")
    assert done.document["error"]["code"] in ("cut", "server")
    assert len(done.document["points"]) >= 1
    assert not load_runs()[0].complete
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("bench",), 2),
        (("bench", "llama3.1:8b", "--concurrency", "65"), 2),
        (("bench", "llama3.1:8b", "--prompt-tokens", "abc"), 2),
        (("bench", "x", "--endpoint", "ftp://h"), 2),
        (("bench", "openai/gpt-4.1-mini"), 3),
        (("bench", "llama3.1:8b", "--offline"), 2),
        (("bench", "x", "--endpoint", "http://127.0.0.1:1"), 3),
    ],
)
def test_what_cannot_be_measured_has_one_sentence(
    program: Program, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: int
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = program(*words, "--json")
    assert done.status == status
    assert set(done.document) == {"error"}
    assert done.document["error"]["hint"]


def test_a_model_that_is_not_there_is_status_1(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with PacedServer(FAST) as server:
        _ollama(monkeypatch, server)
        done = program("bench", "nope:1b", "--json")
    assert (done.status, done.document["error"]["code"]) == (1, "unknown_model")


def test_the_help_tells_of_the_network_and_of_money(program: Program) -> None:
    words = " ".join(program("bench", "--help").out.split())
    for said in (
        "OLLAMA_HOST",
        "may cost money",
        "--max-cost",
        "prompt cache",
        "Ctrl+C",
        "--offline refuses",
    ):
        assert said in words


def _started(server: PacedServer, home: Path, *words: str) -> subprocess.Popen[str]:
    env = {**os.environ, "LLM_ADVISOR_HOME": str(home), "OLLAMA_HOST": server.url}
    command = [sys.executable, "-m", "tui.cli", "bench", "llama3.1:8b", *words]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _first_kept(home: Path) -> None:
    """Waits until a round is kept."""
    end = time.monotonic() + 60
    while not load_runs(home):
        assert time.monotonic() < end
        time.sleep(0.05)


LONG = ("--repeats", "100", "--output-tokens", "16", "--prompt-tokens", "64", "--concurrency", "1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_measured_is_kept_and_printed_when_it_is_stopped(tmp_path: Path, number: int) -> None:
    with PacedServer(FAST) as server:
        process = _started(server, tmp_path, *LONG, "--json")
        _first_kept(tmp_path)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    document = json.loads(out)
    assert process.returncode == 130
    assert (document["complete"], document["stopped"]) == (False, "interrupted")
    assert document["points"][0]["samples"] >= 1
    assert "Traceback" not in err
    (kept,) = load_runs(tmp_path)
    assert kept.points[0].samples == document["points"][0]["samples"]


def test_ctrl_c_while_the_model_loads_leaves_an_empty_document(tmp_path: Path) -> None:
    with PacedServer(Pace(load_s=60.0)) as server:
        process = _started(server, tmp_path, "--json")
        assert process.stderr is not None
        assert any("Loading" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    document = json.loads(out)
    assert process.returncode == 130
    assert (document["points"], document["complete"], document["saved"]) == ([], False, False)
    assert load_runs(tmp_path) == ()


def test_what_was_measured_outlives_a_kill(tmp_path: Path) -> None:
    with PacedServer(FAST) as server:
        process = _started(server, tmp_path, *LONG)
        _first_kept(tmp_path)
        process.kill()
        process.communicate(timeout=30)
    runs: tuple[MeasuredRun, ...] = load_runs(tmp_path)
    assert [run.complete for run in runs] == [False]
    assert runs[0].points[0].samples >= 1
