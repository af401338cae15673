"""A guided conversation opens no socket, its imports included: an audit hook would stop it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

GUARD = """
import socket, sys

def hook(event, args):
    if event == "socket.__new__" and args[1] in (socket.AF_INET, socket.AF_INET6):
        raise RuntimeError("a socket was opened")
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise RuntimeError(event)

sys.addaudithook(hook)
sys.argv = ["llm-advisor", "chat", "--json", "--offline"]
from tui.cli import main
sys.exit(main())
"""
SAID = (
    {"text": "an offline coding assistant on my RTX 3060 12GB, commercial, 16k tokens"},
    {"command": "recommend"},
    {"text": "why not Llama 3.3 70B?"},
    {"text": "what does a quantized KV cache cost in quality?"},
)


def test_a_guided_conversation_opens_no_socket(tmp_path: Path) -> None:
    lines = "".join(json.dumps(line) + "\n" for line in SAID)
    found = subprocess.run(
        [sys.executable, "-P", "-c", GUARD],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "LLM_ADVISOR_HOME": str(tmp_path)},
    )
    events = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 0, found.stderr
    kinds = [event["type"] for event in events]
    assert kinds.count("turn_end") == len(SAID)
    assert "recommendation" in kinds
    assert "error" not in kinds, [e for e in events if e["type"] == "error"]


def test_the_guard_would_notice_a_socket() -> None:
    code = GUARD.split("sys.argv")[0] + "socket.socket(socket.AF_INET)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert "a socket was opened" in found.stderr
