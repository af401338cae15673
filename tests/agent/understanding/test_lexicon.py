"""The lexicon language and the data written in it."""

from __future__ import annotations

import json
import re
import warnings
from importlib.resources import files
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.data import load
from agent.understanding.lexicon import Pattern, expand, negated, required_literals, rules
from agent.understanding.numbers import read_quantities
from agent.understanding.text import prepare, respell
from tools.needs import SLOTS, Feature, Task


def test_every_pattern_compiles_without_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rule in rules():
            for pattern in rule.patterns:
                assert re.compile(expand(pattern.source)).match("") is None, pattern.source


def test_rules_fill_known_slots_with_known_values() -> None:
    for rule in rules():
        assert rule.slot in SLOTS
        if rule.slot == "task" and "name" in rule.sets:
            assert rule.sets["name"] in (*get_args(Task), None)
        if rule.slot == "features":
            assert set(rule.sets[""]) <= set(get_args(Feature))


def test_no_pattern_stands_twice_for_one_value() -> None:
    for rule in rules():
        sources = [pattern.source for pattern in rule.patterns]
        assert len(sources) == len(set(sources)), (rule.slot, rule.sets)


def test_examples_are_labeled_with_tasks() -> None:
    examples = load("examples")["examples"]
    assert set(examples) == set(get_args(Task))
    assert all(len(sentences) >= 10 for sentences in examples.values())


def test_data_files_are_json_objects() -> None:
    names = [f.name for f in files("agent.understanding.data").iterdir() if f.name.endswith(".json")]
    assert len(names) >= 10
    for name in names:
        assert isinstance(
            json.loads(files("agent.understanding.data").joinpath(name).read_text("utf-8")), dict
        )


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("fine~tun%", "we fine-tuned it", True),
        ("fine~tun%", "finetuning", True),
        ("coding <2>model", "coding and chat model", True),
        ("coding <2>model", "coding one two three model", False),
        ("# languages", "40 languages", True),
        ("manuals?", "manuals", True),
        ("proofs?", "proofreading", False),
    ],
)
def test_pattern_language(source: str, text: str, found: bool) -> None:
    assert (Pattern(source).search(text) is not None) is found


@given(st.sampled_from([p for rule in rules() for p in rule.patterns]), st.text(max_size=40))
def test_prefilter_never_loses_a_match(pattern: Pattern, text: str) -> None:
    low = text.lower()
    direct = re.compile(expand(pattern.source)).search(low)
    if direct is not None and pattern.literals:
        assert any(literal in low for literal in pattern.literals)


@pytest.mark.parametrize(
    ("source", "literals"),
    [("abc (x|y)", ("abc",)), ("(foo|bar) (x)?", ("foo", "bar")), ("(a|b)?c[de]", ("c",)), ("one|two", ())],
)
def test_required_literals(source: str, literals: tuple[str, ...]) -> None:
    assert required_literals(source) == literals


@pytest.mark.parametrize(
    ("text", "word", "is_negated"),
    [
        ("not for commercial use", "commercial", True),
        ("non-commercial", "commercial", True),
        ("no vision or audio", "audio", True),
        ("no vision, commercial", "commercial", False),
        ("not only commercial", "commercial", False),
        ("no problem with commercial", "commercial", False),
        ("vision is not needed", "vision", True),
        ("I don't need it but commercial", "commercial", False),
    ],
)
def test_negation(text: str, word: str, is_negated: bool) -> None:
    message = prepare(text)
    start = message.low.index(word)
    assert negated(message, start, start + len(word)) is is_negated


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("comercial", "commercial"), ("documnets", "documents"), ("models", "models"), ("wrote", "wrote")],
)
def test_respelling(typed: str, meant: str) -> None:
    assert respell(typed) == meant


def test_window_sizes_are_binary_where_they_are_named_so() -> None:
    from agent.understanding.quantities import quantity_votes

    def context(text: str) -> float:
        message = prepare(text)
        return float(quantity_votes(message, read_quantities(message), asked="context").votes[0].value)

    assert context("16k tokens") == 16_384
    assert context("100k tokens") == 100_000
    assert context("16,000 tokens") == 16_000
