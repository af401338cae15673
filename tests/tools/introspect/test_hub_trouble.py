"""A hub that refuses, is not there, or sends what is hostile."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from knowledge.errors import AdvisorError, NoAnswerError, ServiceError, UsageError
from tests.fakes.hub import FakeHub, safetensors
from tests.tools.introspect.test_hub import CONFIG, added, encoded

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.mark.parametrize("repo", ["../x", "a/..", "a/b--c", "a/.git", "a/b..c"])
def test_ids_that_are_none(hub: FakeHub, repo: str) -> None:
    with pytest.raises(AdvisorError):
        added(repo)
    assert all(".." not in asked.path for asked in hub.asked)


def test_a_gated_a_missing_and_an_empty_repository(hub: FakeHub) -> None:
    hub.repositories |= {"me/gated": {"config.json": encoded(CONFIG)}, "me/empty": {"a.bin": b""}}
    hub.repositories["me/lora"] = {"adapter_config.json": b"{}", "adapter_model.safetensors": b""}
    hub.gated.add("me/gated")
    with pytest.raises(NoAnswerError, match="gated") as gated:
        added("me/gated")
    assert "HF_TOKEN" in gated.value.hint
    with pytest.raises(NoAnswerError, match="no model me/missing") as missing:
        added("me/missing")
    assert missing.value.exit_status == 1
    with pytest.raises(UsageError, match="neither a configuration"):
        added("me/empty")
    with pytest.raises(NoAnswerError, match="no GGUF files"):
        added("me/gated", "Q4_K_M")
    with pytest.raises(UsageError, match="adapter"):
        added("me/lora")


def test_the_token_comes_from_the_environment_and_is_not_shown(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored = tmp_path / "token"
    stored.write_text("hf_stored")
    monkeypatch.setenv("HF_TOKEN_PATH", str(stored))
    hub.repositories["me/x"] = {"config.json": encoded(CONFIG)}
    added("me/x")
    assert not any("authorization" in asked.headers for asked in hub.asked)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = added("me/x")
    assert hub.asked[-1].headers["authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in found.model_dump_json()
    hub.status = 401
    with pytest.raises(AdvisorError) as caught:
        added("me/x")
    assert "hf_secret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("status", [500, 502, 429])
def test_a_hub_in_trouble(hub: FakeHub, status: int) -> None:
    hub.status = status
    with pytest.raises(ServiceError) as caught:
        added("me/x")
    assert caught.value.exit_status == 3


def test_a_hub_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ServiceError, match="does not answer"):
            added("me/x")


def test_a_mirror_that_ignores_ranges_is_refused(hub: FakeHub) -> None:
    hub.ranges = False
    hub.repositories["me/x"] = {
        "config.json": encoded(CONFIG),
        "model.safetensors": safetensors({"a": (4, 4)}),
    }
    with pytest.raises(ServiceError, match="parts of files"):
        added("me/x")


HOSTILE_CONFIGS: dict[str, bytes] = {
    "no JSON": b"<html>",
    "a list": b"[]",
    "nested": b'{"a":' * 50_000,
    "5 MiB": b" " * (5 << 20),
    "a negative number": encoded(CONFIG | {"num_hidden_layers": -1}),
    "not a number": encoded(CONFIG | {"hidden_size": float("nan")}),
    "a fraction": encoded(CONFIG | {"num_attention_heads": 1.5}),
    "text": encoded(CONFIG | {"vocab_size": "many"}),
    "10**12 layers": encoded(CONFIG | {"num_hidden_layers": 10**12}),
    "10**5000": encoded(CONFIG)[:-1] + b', "n_ctx": ' + b"9" * 5000 + b"}",
    "zero experts of many": encoded(CONFIG | {"num_experts": 8, "num_experts_per_tok": 10**9}),
}


@pytest.mark.parametrize("name", HOSTILE_CONFIGS)
def test_hostile_configurations(hub: FakeHub, name: str) -> None:
    hub.repositories["me/x"] = {"config.json": HOSTILE_CONFIGS[name]}
    with pytest.raises(UsageError) as caught:
        added("me/x")
    assert caught.value.message.isprintable()


HOSTILE_WEIGHTS: dict[str, bytes] = {
    "empty": b"",
    "a header of 2**63 bytes": b"\xff" * 8 + bytes(100),
    "a header that is cut off": safetensors({"a": (4, 4)})[:-10],
    "no table": b"\x04\0\0\0\0\0\0\0" + b"[12]",
    "a negative size": safetensors({"a": (-4,)}),
    "an overflow": safetensors({"a": (2**40, 2**40)}),
}


@pytest.mark.parametrize("name", HOSTILE_WEIGHTS)
def test_hostile_safetensors(hub: FakeHub, name: str) -> None:
    hub.repositories["me/x"] = {"config.json": encoded(CONFIG), "model.safetensors": HOSTILE_WEIGHTS[name]}
    with pytest.raises(AdvisorError):
        added("me/x")
