"""What `doctor` says of the model behind the chat."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.listed import Listed
from tests.fakes.model_server import FakeOllama
from tools.commands.doctor import doctor

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SMALL = Listed("qwen3:1.7b", 1_400_000_000)


def check(name: str, *, offline: bool = False) -> dict[str, Any]:
    return next(dict(row) for row in doctor(offline=offline)["checks"] if row["name"] == name)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path


def test_guided_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check("chat model", offline=True)
    assert (found["state"], found["found"].split(",")[0]) == ("ok", "guided")


@pytest.mark.parametrize(
    ("model", "state", "says", "step"),
    [
        ("ollama_chat/qwen3:1.7b", "ok", "completion, tools, context of 32,768 tokens", ""),
        ("ollama_chat/absent", "missing", "does not have it", "ollama pull absent"),
        ("openai/gpt-4.1-mini", "missing", "OPENAI_API_KEY is not set", "keyring set llm-advisor"),
        ("hosted_vllm/mine", "ok", "hosted_vllm/mine", ""),
        ("auto", "ok", "auto", ""),
    ],
)
def test_the_model_of_the_settings(
    model: str, state: str, says: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_MODEL", model)
    with FakeOllama([], listed=(SMALL,)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        found = check("chat model")
    assert found["state"] == state
    assert says in found["found"]
    assert step in found["next_step"]


def test_offline_asks_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_MODEL", "ollama_chat/qwen3:1.7b")
    with FakeOllama([], listed=(SMALL,)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        assert check("chat model", offline=True)["state"] == "skipped"
        assert check("Ollama", offline=True)["state"] == "skipped"
        assert server.paths == []


def test_a_file_of_conversations_that_cannot_be_read_is_said(
    home: Path,
) -> None:
    path = home / "sessions.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE checkpoints (id)")
        file.commit()
    assert check("conversations")["state"] == "ok"
    path.write_bytes(b"no database" * 1_000)
    found = check("conversations")
    assert (found["state"], found["found"]) == (
        "missing",
        "sessions.sqlite of the state folder cannot be read (file is not a database)",
    )
    assert "sets a damaged file aside" in found["next_step"]
    assert path.read_bytes().startswith(b"no database")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (None, "a file of the state folder"),
        ("postgresql://me:s3cret@127.0.0.1:1/x", "cannot be used"),
        ("s3cret", "no address of a database"),
    ],
)
def test_where_conversations_are_kept(
    address: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if address is not None:
        monkeypatch.setenv("LLM_ADVISOR_POSTGRES", address)
    found = check("conversations")
    assert told in found["found"]
    assert found["state"] == ("ok" if address is None else "missing")
    assert "s3cret" not in json.dumps(found)
    assert check("conversations", offline=True)["state"] == ("ok" if address is None else "skipped")
