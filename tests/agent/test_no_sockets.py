"""A guided conversation opens no socket, its imports included: an audit hook would stop it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OPENED = 97
GUARD = f"""
import os, socket, sys

def hook(event, args):
    internet = event == "socket.__new__" and args[1] in (socket.AF_INET, socket.AF_INET6)
    if internet or event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        os.write(2, event.encode())
        os._exit({OPENED})  # an error could be caught and passed over

sys.addaudithook(hook)
"""
PROGRAM = "sys.argv = ['llm-advisor', *sys.argv[1:]]; from tui.cli import main; sys.exit(main())"
SAID = (
    {"text": "an offline coding assistant on my RTX 3060 12GB, commercial, 16k tokens"},
    {"command": "recommend"},
    {"text": "why not Llama 3.3 70B?"},
    {"text": "what does a quantized KV cache cost in quality?"},
)


OFFLINE: dict[tuple[str, ...], int] = {
    ("models", "refresh"): 2,
    ("models", "refresh", "--drop"): 0,
    ("bench", "llama3.1:8b"): 2,
    ("bench", "llama3.1:8b", "--endpoint", "127.0.0.1:9"): 2,
    ("bench", "--list"): 0,
    ("evaluate", "qwen3:8b", "--rubric", "classification"): 2,
    ("evaluate", "openai/gpt-4.1-mini", "--rubric", "classification", "--dry-run"): 0,
    ("plan", "migration", "qwen3-4b", "--run"): 0,
    ("doctor", "--report"): 0,
    ("recommend", "--task", "coding", "--hardware", "RTX 3060 12GB"): 0,
}
"""Commands of which some use the network, with --offline, and how they end."""


def call(program: str, *words: str, home: Path, lines: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program in a process that ends at the first socket."""
    return subprocess.run(
        [sys.executable, "-P", "-c", GUARD + program, *words],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "LLM_ADVISOR_HOME": str(home)},
    )


def test_a_guided_conversation_opens_no_socket(tmp_path: Path) -> None:
    lines = "".join(json.dumps(line) + "\n" for line in SAID)
    found = call(PROGRAM, "chat", "--json", "--offline", home=tmp_path, lines=lines)
    events = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 0, found.stderr
    kinds = [event["type"] for event in events]
    assert kinds.count("turn_end") == len(SAID)
    assert "recommendation" in kinds
    assert "error" not in kinds, [e for e in events if e["type"] == "error"]


@pytest.mark.parametrize("words", OFFLINE, ids=" ".join)
def test_offline_opens_no_socket(words: tuple[str, ...], tmp_path: Path) -> None:
    found = call(PROGRAM, *words, "--offline", home=tmp_path)
    assert found.returncode == OFFLINE[words], found.stderr


@pytest.mark.parametrize(
    "opening",
    [
        "socket.socket(socket.AF_INET)",
        "socket.getaddrinfo('localhost', 80)",
        "try:\n    socket.socket(socket.AF_INET6)\nexcept BaseException:\n    pass",
    ],
)
def test_the_guard_would_notice_a_socket(opening: str, tmp_path: Path) -> None:
    assert call(opening, home=tmp_path).returncode == OPENED
