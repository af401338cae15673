"""No message breaks understanding: any string, any length, control characters, absurd numbers."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.understanding import Asked, LastAnswer, Understanding, understand
from agent.understanding.text import MAX_CHARS, prepare
from tools.needs import SLOTS, Needs

WORDS = st.sampled_from(
    [
        *(
            "no",
            "not",
            "16k",
            "8",
            "GB",
            "RTX",
            "3090",
            "tokens",
            "per",
            "second",
            "commercial",
            "local",
            "API",
        ),
        *("what", "if", "?", ",", ".", "and", "or", "the", "Llama", "70B", "license", "forget", "actually"),
        *("users", "$200", "month", "German", "vision", "fine-tune", "-5", "1e9", "0", "k", "[/red]", "\x00"),
        *("\U0001f600", "日本語", "second", "forget", "context"),
    ]
)
MESSAGES = st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=25).map(" ".join))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES, st.one_of(st.none(), st.sampled_from(SLOTS)), st.booleans())
def test_any_string_is_read(text: str, slot: str | None, answered: bool) -> None:
    got = understand(
        text,
        Needs(),
        asked=None if slot is None else Asked(slot, ("8k", "32k")),
        last=LastAnswer(("a/b", "c/d")) if answered else None,
    )
    assert isinstance(got, Understanding)
    for update in got.updates.values():
        assert not any(ord(c) < 32 and c != "\n" for c in update.quote)


@given(st.text(max_size=200))
def test_quotes_are_the_persons_words(text: str) -> None:
    message = prepare(text)
    assert len(message.clean) == len(text)
    assert message.quote(0, len(message.low)) == message.clean.strip()


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\n", "...", "[/red]", "[[[", "\x00\x1b[31m", "😀", "你好吗", "\ud800", "?!"]
)
def test_nothing_to_read(text: str) -> None:
    got = understand(text, Needs())
    assert got.updates == {}
    assert got.intent in ("off_topic", "help")


def test_control_characters_do_not_reach_the_quotes() -> None:
    got = understand("coding\x07 on an RTX\x00 3090 for\x1b work", Needs())
    assert got.updates["hardware"].quote == "an RTX  3090"
    assert got.updates["license"].value.use == "commercial"


def test_long_message_is_cut_with_a_note() -> None:
    text = "I want a coding assistant on an RTX 3060 12GB for work. " + "lorem ipsum 12 dolor sit " * 5_000
    assert len(text) > 100_000
    understand(text, Needs())
    start = time.process_time()
    got = understand(text, Needs())
    assert time.process_time() - start < 10.0
    assert got.updates["task"].value.name == "code"
    assert any(f"{MAX_CHARS:,}" in note for note in got.notes)


@pytest.mark.parametrize(
    "noise",
    [
        "((((" * 2_000,
        "no " * 3_000,
        "1 " * 4_000,
        "a-" * 4_000,
        "RTX " * 2_000,
        "not a " * 1_300,
        "8 GB + " * 1_100,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_repetition_is_quick(noise: str) -> None:
    start = time.process_time()
    understand(noise, Needs())
    assert time.process_time() - start < 15.0


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("0 tokens of context", "context"),
        ("a context of 999999999999 tokens", "context"),
        ("-8k tokens context", "context"),
        ("at least 0 tokens per second", "min_speed"),
        ("99999999 tokens per second", "min_speed"),
    ],
)
def test_absurd_numbers_are_ignored_and_named(text: str, slot: str) -> None:
    got = understand(text, Needs())
    assert slot not in got.updates
    assert got.notes


def test_ordinary_message_is_quick() -> None:
    text = "We need an offline RAG stack on two RTX 3090 for German manuals, 32k context, at least 15 tok/s."
    understand(text, Needs())
    start = time.process_time()
    for _ in range(5):
        understand(text, Needs())
    assert (time.process_time() - start) / 5 < 1.0
