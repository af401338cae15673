"""Word classes and the grammar of numbers: what they read in general, and what they must not read."""

from __future__ import annotations

from typing import Any

import pytest

from agent.understanding import Asked, understand
from agent.understanding.data import load
from agent.understanding.dates import newer_than
from agent.understanding.lexicon import Pattern, with_classes
from agent.understanding.numbers import Quantity, read_quantities
from agent.understanding.text import prepare
from tools.needs import Needs


def updates(text: str, asked: str = "") -> dict[str, Any]:
    got = understand(text, Needs(), asked=Asked(asked) if asked else None)
    return {slot: update.value for slot, update in got.updates.items()}


def quantity(text: str) -> Quantity:
    return next(iter(read_quantities(prepare(text), bare_words=True)))


def test_a_class_is_written_out_wherever_it_stands() -> None:
    assert "{" not in with_classes("{query} our {papers}")
    pattern = Pattern("{pull} <2>{fields}")
    assert pattern.search("please pull the dates out") is not None
    assert pattern.search("nothing of the kind") is None


def test_every_class_is_used_and_none_repeats_a_word() -> None:
    data = load("concepts")
    patterns = " ".join(p for rule in data["rules"] for p in rule["any"])
    for name, words in data["classes"].items():
        assert f"{{{name}}}" in patterns, name
        assert len(words) == len(set(words)), name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("twenty-five people", 25),
        ("fünfundzwanzig Leute", 25),
        ("dreihundert Seiten", 300),
        ("une vingtaine d'utilisateurs", 20),
        ("cinco mil documentos", 5000),
        ("vijftig pagina's", 50),
        ("half a page", 0.5),
    ],
)
def test_number_words_of_seven_languages(text: str, value: float) -> None:
    assert quantity(text).value == value


@pytest.mark.parametrize(
    ("text", "comparator"),
    [
        ("nothing bigger than 14B", "le"),
        ("not smaller than 7B", "ge"),
        ("nicht größer als 8B", "le"),
        ("more than 7B", "ge"),
    ],
)
def test_a_negated_comparison_turns_the_bound(text: str, comparator: str) -> None:
    assert quantity(text).comparator == comparator


def test_an_interval_is_a_rate() -> None:
    assert updates("one report every 30 seconds", "volume")["volume"].requests_per_day == 2880
    assert updates("every day 500 invoices", "volume")["volume"].requests_per_day == 500


def test_a_period_said_with_the_first_holds_for_the_second() -> None:
    volume = updates("20M tokens per month in, 5M out", "volume")["volume"]
    assert volume.input_tokens_per_day == pytest.approx(657534, rel=0.01)
    assert volume.output_tokens_per_day == pytest.approx(164384, rel=0.01)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("nothing older than 2025", "2024-12-31"),
        ("newer than march 2025", "2025-03-31"),
        ("models from 2025 on", "2024-12-31"),
        ("founded in 2023", None),
    ],
)
def test_how_new_a_model_has_to_be(text: str, date: str | None) -> None:
    found = newer_than(prepare(text))
    assert (found[0] if found else None) == date


def test_a_size_is_never_a_plain_number() -> None:
    assert updates("nothing bigger than 14B", "model")["model"].max_params_b == 14


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("I run a small language model on my laptop", "license"),
        ("we run a local LLM for fun nights", "concurrency"),
        ("a chat model that can talk about the two suppliers of Rome", "concurrency"),
        ("I want to chat with a 400 page thesis", "license"),
        ("chat for when nobody's in the office", "priority"),
        ("we want a one-pager of each meeting", "context"),
        ("we don't want to fine-tune anything, chat only", "dataset"),
        ("a chatbot, and no pictures please", "features"),
        ("chat with 16 GB, every second counts", "volume"),
        ("I want an LLM to translate letters", "dataset"),
        ("code review, I was born in 1985", "model"),
        ("our ten servers are old, chat please", "concurrency"),
    ],
)
def test_nothing_is_read_into_words_that_do_not_say_it(text: str, slot: str) -> None:
    assert slot not in updates(text)


@pytest.mark.parametrize(
    ("text", "slot", "value"),
    [
        ("la calidad da igual, que sea rápido", "priority", "speed"),
        ("tant pis pour la vitesse, la précision avant tout", "priority", "quality"),
        ("lieber schnell als genau", "priority", "speed"),
        ("fast, but quality never", "priority", "speed"),
    ],
)
def test_a_negation_is_read_on_either_side(text: str, slot: str, value: str) -> None:
    assert updates(text, slot)[slot] == value


def test_a_language_taken_back_is_no_maker_ruled_out() -> None:
    needs = Needs().updated(**understand("chat in English and French", Needs()).updates)
    got = understand("forget French", needs).updates
    assert got["languages"].value == ("en",)
    assert "model" not in got


def test_a_value_put_in_the_place_of_another_replaces_it() -> None:
    needs = Needs().updated(**understand("summaries with 32k context", Needs()).updates)
    assert understand("128k rather than 32k", needs).updates["context"].value == 131072


def test_a_missing_gpu_denies_nothing_else() -> None:
    hardware = updates("no GPU in our servers, 128 GB RAM each, document summaries")["hardware"]
    assert "128 GB RAM" in hardware.text
    assert not hardware.none


@pytest.mark.parametrize(
    ("text", "languages"), [("German only, no English", ("de",)), ("sv, no", ("sv", "no"))]
)
def test_no_is_norwegian_only_among_codes(text: str, languages: tuple[str, ...]) -> None:
    assert updates(text, "languages")["languages"] == languages
