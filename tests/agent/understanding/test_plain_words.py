"""What plain messages say in passing: unit prices, sizes said again, codes, and what is no need."""

from __future__ import annotations

import pytest

from agent.understanding import Asked, understand
from tools.needs import Needs

_NEEDS = Needs()


@pytest.mark.parametrize(
    ("text", "monthly"),
    [
        ("one cent per mail, 3000 mails a month", 30),
        ("2 euros each, 10 invoices a week", 101.67),
        ("summaries at 5 cents a call, 100 calls a day", 152.08),
    ],
)
def test_a_unit_price_with_its_number_is_a_budget(text: str, monthly: float) -> None:
    budget = understand(text, _NEEDS).updates["budget"].value
    assert budget.usd_per_month == pytest.approx(monthly, rel=0.01)


@pytest.mark.parametrize("text", ["one cent per call at most", "we give the app away for free"])
def test_a_price_without_a_number_is_no_budget(text: str) -> None:
    assert "budget" not in understand(text, _NEEDS).updates


@pytest.mark.parametrize(
    "text", ["I said 24 GB but it's only 16", "it has 16 GB, not 24", "sorry, it's not 24 GB, it's 16"]
)
def test_a_size_said_again_replaces_the_one_before(text: str) -> None:
    needs = Needs().updated(**understand("chat on a 24 GB card", _NEEDS).updates)
    said = understand(text, needs).updates["hardware"].value.text
    assert "16 GB" in said
    assert "24" not in said


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("anything but English, mostly Turkish", {"tr"}),
        ("surtout du français, parfois de l'anglais", {"fr", "en"}),
        ("español y catalán", {"es", "ca"}),
        ("en, de and no", {"en", "de"}),
        ("finnois et suédois", {"fi", "sv"}),
    ],
)
def test_languages_as_they_are_answered(text: str, codes: set[str]) -> None:
    assert set(understand(text, _NEEDS, asked=Asked("languages")).updates["languages"].value) == codes


def test_one_more_code_behind_a_pair_belongs_to_it() -> None:
    assert understand("translate DE->EN, FR, IT", _NEEDS).updates["languages"].value == (
        "de",
        "en",
        "fr",
        "it",
    )


def test_nothing_yet_answers_the_question_asked() -> None:
    assert (
        "hardware" not in understand("nothing yet, maybe 500 later", _NEEDS, asked=Asked("dataset")).updates
    )
    assert understand("nothing yet", _NEEDS, asked=Asked("hardware")).updates["hardware"].value.none


def test_comparing_things_is_a_need_and_comparing_models_a_question() -> None:
    assert "hardware" in understand("Compare quotes and list differences, 16 GB GPU", _NEEDS).updates
    assert understand("Compare Llama 3.1 8B and Gemma 2 9B", _NEEDS).intent == "ask"


def test_nous_is_neither_a_country_nor_a_maker() -> None:
    updates = understand("aucune donnée ne doit sortir de chez nous", _NEEDS).updates
    assert "model" not in updates
    assert updates["deployment"].value.private


def test_hate_speech_denies_nothing() -> None:
    assert understand("hate speech detection in Hungarian posts", _NEEDS).updates["languages"].value == (
        "hu",
    )
