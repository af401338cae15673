"""Reasoning tokens by task and family."""

from __future__ import annotations

import pytest

from knowledge.catalog.store import load_catalog
from tools.thinking import thinking_tokens

TASKS = ("chat", "code", "agent", "reasoning", "summarization")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "openai/gpt-oss-20b", "mistralai/Magistral-Small-2506"])
def test_counts_are_intervals_with_a_source(name: str, task: str) -> None:
    model = load_catalog().model(name)
    assert model is not None
    found = thinking_tokens(model, task)
    assert found is not None
    assert 0 < found.tokens.low <= found.tokens.mid <= found.tokens.high
    assert "LRMTokenEconomy" in found.evidence.source
    assert "as of 2025-08" in found.evidence.locator


def test_harder_tasks_and_other_families_take_other_counts() -> None:
    qwen, oss = load_catalog().model("Qwen/Qwen3-8B"), load_catalog().model("openai/gpt-oss-20b")
    assert qwen is not None
    assert oss is not None
    chat, code = thinking_tokens(qwen, "chat"), thinking_tokens(qwen, "code")
    short = thinking_tokens(oss, "code")
    assert chat is not None
    assert code is not None
    assert short is not None
    assert chat.tokens.mid < code.tokens.mid
    assert short.tokens.mid < code.tokens.mid
    assert "No published figures for code" in code.basis
    assert chat.switchable
    assert not short.switchable


def test_models_that_do_not_think_or_are_not_known_to_have_none() -> None:
    model = load_catalog().model("meta-llama/Llama-3.1-8B-Instruct")
    assert model is not None
    for thinking in ("no", None):
        assert thinking_tokens(model.model_copy(update={"thinking": thinking}), "code") is None
