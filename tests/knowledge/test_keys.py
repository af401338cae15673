"""Keys: where they are found, and that they show nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

import keyring
import keyring.backend
import pytest

from knowledge import keys
from knowledge.keys import SERVICE, Key, find_key, variables_of
from tests.waiting import HANGS, not_waited_for

SECRET = "sk-secret-123"


class FakeKeyring(keyring.backend.KeyringBackend):
    """Holds one key; may be broken or locked."""

    priority = 1.0
    seconds = 0.0
    broken = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken:
            raise RuntimeError(f"cannot unlock {SECRET}")
        time.sleep(self.seconds)
        return SECRET if (service, username) == (SERVICE, "OPENAI_API_KEY") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("a key was written")

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError("a key was deleted")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKeyring]:
    backend = FakeKeyring()  # type: ignore[no-untyped-call]
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    yield backend
    keyring.set_keyring(before)


def test_the_environment_comes_first(ring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    assert find_key("openai/gpt-4.1-mini") == Key("OPENAI_API_KEY", "environment")


def test_then_the_keyring(ring: FakeKeyring) -> None:
    found = find_key("openai/gpt-4.1-mini")
    assert (found.place, found.value, found.missing) == ("keyring", SECRET, False)
    assert SECRET not in repr(found)


def test_a_missing_key_names_its_variable_and_both_ways(ring: FakeKeyring) -> None:
    found = find_key("groq/llama-3.1-8b-instant")
    assert found.missing
    assert "GROQ_API_KEY" in found.hint
    assert f"keyring set {SERVICE} GROQ_API_KEY" in found.hint


def test_a_keyring_that_fails_or_hangs_is_none(ring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    ring.broken = True
    assert find_key("openai/x").missing
    ring.broken, ring.seconds = False, HANGS
    monkeypatch.setattr(keys, "KEYRING_SECONDS", 0.05)
    with not_waited_for():
        assert find_key("openai/x").missing


def test_a_model_without_its_provider_is_known_by_the_price_map() -> None:
    assert variables_of("gpt-4.1-mini") == ("OPENAI_API_KEY",)
    assert variables_of("hosted_vllm/mine") == ()
    assert find_key("hosted_vllm/mine") == Key("")


def test_the_table_says_what_litellm_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    from knowledge.litellm_setup import import_quietly

    litellm = import_quietly()

    def is_set(provider: str) -> bool:
        if provider in ("zai", "meta"):  # servers that imitate OpenAI: their key is found with the provider
            return litellm.get_llm_provider(f"{provider}/x")[2] is not None
        return bool(litellm.validate_environment(f"{provider}/x")["keys_in_environment"])

    for provider, names in keys._variables().items():
        for name in names:
            monkeypatch.delenv(name, raising=False)
        assert not is_set(provider)
        for name in names:
            monkeypatch.setenv(name, "k")
            assert is_set(provider), name
            monkeypatch.delenv(name)


def test_the_environment_alone_asks_no_keyring(ring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    ring.broken, ring.seconds = False, HANGS
    with not_waited_for():
        assert find_key("groq/x", keyring=False).missing
        monkeypatch.setenv("GROQ_API_KEY", "k")
        assert find_key("groq/x", keyring=False).place == "environment"
