"""The license of a model as text."""

from __future__ import annotations

from tools.commands.catalog import ModelQuery, show_model
from tui.license_text import license_lines


def _text(model: str) -> str:
    lines = license_lines(show_model(ModelQuery(model=model))["license_terms"])
    assert max(map(len, lines)) <= 80
    return " ".join(" ".join(lines).split())


def test_clauses_class_source_and_date() -> None:
    text = _text("meta-llama/Llama-3.1-8B-Instruct")
    assert "commercial use: under conditions" in text
    assert "users (excludes without a separate license): above 700 million" in text
    assert 'display (duty): products show "Built with Llama"' in text
    assert "As of 2026-11-20, from github meta-llama/llama-models" in text


def test_what_the_base_binds_is_told() -> None:
    text = _text("deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert "Its base meta-llama/Llama-3.1-8B binds it to the license llama3.1" in text
    assert "mit (MIT License); commercial use: under conditions" in text


def test_what_nobody_read_says_so() -> None:
    text = _text("zai-org/GLM-5.3")
    assert "commercial use: unknown, read the license" in text
    assert "The text itself was not read here" in text
