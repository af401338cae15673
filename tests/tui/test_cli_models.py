"""`models add`, `remove` and `list --added` from the command line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.gguf_files import catalog_file
from tests.tools.memory.helpers import model
from tests.tui.cli_help import Program

NAME = "local/Llama-3.2-1B-Instruct-Q4_K_M"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return catalog_file(tmp_path, model("meta-llama/Llama-3.2-1B-Instruct"), "Q4_K_M")


def test_adding_shows_what_was_recognized_and_what_comes_next(program: Program, weights: Path) -> None:
    done = program("models", "add", str(weights))
    assert done.status == 0
    assert f"Added {NAME}" in done.out
    assert "meta-llama/Llama-3.2-1B-Instruct" in done.out
    assert f"llm-advisor memory {NAME}" in done.out
    assert "Replaced" in program("models", "add", str(weights)).out
    assert f"{NAME} (added)" in program("models", "list", "--added").out
    assert program("models", "remove", NAME).status == 0
    assert program("models", "list", "--added").status == 1


def test_the_document_holds_record_recognition_and_gaps(program: Program, weights: Path) -> None:
    document = program("models", "add", str(weights), "--name", "mine", "--json").document
    assert document["model_id"] == "local/mine"
    assert document["record"]["architecture"]["layers"] == 16
    assert "tensors" not in document["record"]["added"]
    assert (document["tensors"], document["exact"], document["same_weights"]) == (146, True, True)
    assert "thinking" not in document["record"] or document["unknown"] == [
        name for name in document["unknown"] if document["record"].get(name) in (None, [])
    ]
    shown = program("memory", "local/mine", "--json").document
    assert (shown["model_id"], shown["quant"], shown["exact"]) == ("local/mine", "Q4_K_M", True)


def test_errors_have_their_exit_status(program: Program, tmp_path: Path) -> None:
    assert program("models", "add", "missing.gguf", "--json").status == 1
    assert program("models", "add", str(tmp_path), "--json").status == 2
    assert program("models", "add", "--json").document["error"]["message"] == "`source` is missing."
    # The tests' guard against sockets would turn a connection into another error.
    assert program("--offline", "models", "add", "ollama:x", "--json").status == 2
    assert program("models", "add", "org/name", "--offline").status == 2


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_server_that_does_not_answer_is_status_3(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
        monkeypatch.setenv("OLLAMA_HOST", address)
        monkeypatch.setenv("HF_ENDPOINT", f"http://{address}")
        for source in ("ollama:x", "org/name"):
            done = program("models", "add", source, "--json")
            assert (done.status, done.document["error"]["code"]) == (3, "service")


def test_help_tells_of_the_network(program: Program) -> None:
    words = " ".join(program("models", "add", "--help").out.split())
    assert "OLLAMA_HOST" in words
    assert "HF_ENDPOINT" in words
    assert "A file needs no network" in words


def test_a_name_to_spoil_a_terminal_is_cleaned(program: Program, weights: Path) -> None:
    evil = weights.rename(weights.with_name("a\x1b[31mred\x07.gguf"))
    done = program("models", "add", str(evil))
    assert "\x1b" not in done.out + done.err
    assert "\x07" not in done.out + done.err


HEAVY = "import sys, json; from tui.cli import main; main({argv}); print(json.dumps(sorted(sys.modules)))"


@pytest.mark.parametrize("argv", [["memory", "llama3.1:8b", "--json"], ["models", "list", "--json"]])
def test_other_commands_load_no_reader(argv: list[str]) -> None:
    code = HEAVY.format(argv=argv)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {"gguf", "numpy", "huggingface_hub", "httpx"}
