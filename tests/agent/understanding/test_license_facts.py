"""What licenses ask about: users, revenue, region, field of use, training on outputs."""

from __future__ import annotations

from typing import Any

import pytest

from agent.understanding import understand
from agent.wording import said_words
from tools.needs import Needs


def _license(text: str) -> dict[str, Any]:
    filled = understand(text, Needs()).updates.get("license")
    return {} if filled is None else filled.value.model_dump(exclude_defaults=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we have 200 million users", {"use": "commercial", "users": 200_000_000}),
        ("company with 200 million users", {"use": "commercial", "users": 200_000_000}),
        ("our revenue is 20 million dollars a month", {"use": "commercial", "revenue_usd": 240e6}),
        ("our company makes 50 million dollars a year", {"use": "commercial", "revenue_usd": 50e6}),
        ("we are based in Germany", {"use": "commercial", "region": "eu"}),
        ("commercial, company in Germany", {"use": "commercial", "region": "eu"}),
        (
            "we want to use the outputs to train another model",
            {"use": "commercial", "train_on_outputs": True},
        ),
        ("a chatbot for the military", {"use": "commercial", "field": "military"}),
        ("it gives medical advice to patients", {"use": "commercial", "field": "medical"}),
        ("summaries for the police", {"use": "commercial", "field": "law_enforcement"}),
        ("for research; we use the outputs to train a model", {"use": "research", "train_on_outputs": True}),
    ],
)
def test_facts_of_the_use(text: str, expected: dict[str, Any]) -> None:
    assert _license(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a chatbot for 20 users at once",
        "fine-tune a model on 5000 tickets",
        "summarize medical papers",
        "it should write good answers",
        "a weapon shop in a fantasy game",
    ],
)
def test_what_is_no_such_fact(text: str) -> None:
    facts = _license(text)
    assert not facts.keys() & {"users", "revenue_usd", "field", "train_on_outputs"}


def test_outputs_for_another_model_are_no_wish_to_train_this_one() -> None:
    assert "training" not in understand("we use the outputs to train another model", Needs()).updates
    assert "training" in understand("I want to fine-tune a model on our tickets", Needs()).updates


def test_the_facts_are_told_back() -> None:
    found = understand("company with 200 million users, based in Germany, for the military", Needs())
    words = said_words("license", found.updates["license"])
    assert words == "commercial use, 200,000,000 monthly users, in the EU, military use"
