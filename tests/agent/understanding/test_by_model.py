"""What of a model's reading is taken, and how it stands beside the built-in parser's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding import Asked, Understanding, understand
from agent.understanding.by_model import accepted, merged, schema
from agent.understanding.explained import is_foreign, left_unread
from tools.needs import SLOTS, Needs

SCALARS = st.none() | st.booleans() | st.floats() | st.sampled_from(["un chatbot", "code", "3060", "16k"])
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.fixed_dictionaries({"value": SCALARS})
FIELDS = st.sampled_from([*schema()["properties"], "other"])
LANGUAGES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "German": (
        "Den Kram sollen nur meine Kinder für die Hausaufgaben benutzen.",
        {"license": {"value": "personal", "quote": "meine Kinder"}},
        {"license.use": "personal"},
    ),
    "French": (
        "Je veux un assistant de programmation hors ligne sur ma RTX 3060 12GB, pour mon entreprise.",
        {
            "task": {"value": "code", "quote": "assistant de programmation"},
            "license": {"value": "commercial", "quote": "pour mon entreprise"},
            "deployment": {"value": "offline", "quote": "hors ligne"},
        },
        {"task.name": "code", "license.use": "commercial", "deployment.mode": "local"},
    ),
    "Spanish": (
        "Quiero un chatbot para mi empresa en un servidor con dos RTX 4090, hasta 32k tokens de contexto.",
        {
            "hardware": {"value": "2x RTX 4090", "quote": "dos RTX 4090"},
            "license": {"value": "commercial", "quote": "para mi empresa"},
            "context": {"value": 32000, "quote": "32k tokens"},
        },
        {"hardware.text": "dos RTX 4090", "license.use": "commercial", "context": 32768},
    ),
    "Chinese": (
        "我想在我的RTX 3090上运行一个编程助手，用于商业用途，上下文3.2万。",  # noqa: RUF001 - Chinese
        {
            "task": {"value": "code", "quote": "编程助手"},
            "hardware": {"value": "RTX 3090", "quote": "RTX 3090"},
            "license": {"value": "commercial", "quote": "商业用途"},
            "context": {"value": 32000, "quote": "上下文3.2万"},
        },
        {"task.name": "code", "hardware.text": "RTX 3090", "license.use": "commercial", "context": 32000},
    ),
}


def taken(
    message: str, document: dict[str, Any], needs: Needs | None = None, asked: Asked | None = None
) -> Understanding:
    needs = needs or Needs()
    read = understand(message, needs, asked=asked)
    return merged(read, accepted({"intent": "needs"} | document, message), needs, asked, message)


def value_of(read: Understanding, path: str) -> object:
    slot, _, part = path.partition(".")
    value = read.updates[slot].value
    return getattr(value, part) if part else value


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_are_read(language: str) -> None:
    message, document, wanted = LANGUAGES[language]
    assert left_unread(message, understand(message, Needs()), None)
    read = taken(message, document)
    assert {path: value_of(read, path) for path in wanted} == wanted
    assert read.intent == "give_needs"


def test_what_the_parser_read_in_its_language_stays() -> None:
    message = "a coding assistant for work on my RTX 3090"
    read = taken(message, {"task": {"value": "chat", "quote": "a coding assistant for work"}})
    assert value_of(read, "task.name") == "code"
    assert read.updates["task"].source == "user"


def test_what_was_said_earlier_stays_unless_it_is_taken_back() -> None:
    needs = Needs.model_validate({"license": {"value": {"use": "commercial"}, "quote": "for work"}})
    message = "The neighbours will look at it on Sundays."
    document = {"license": {"value": "personal", "quote": "The neighbours"}}
    assert "license" not in taken(message, document, needs).updates
    changed = taken(message, document | {"changes_mind": True}, needs)
    assert value_of(changed, "license.use") == "personal"
    assert changed.intent == "change"
    answered = taken(message, document, needs, Asked("license"))
    assert value_of(answered, "license.use") == "personal"
    assert answered.intent == "answer"


def test_what_was_inferred_gives_way_to_a_new_inference_and_to_the_parser() -> None:
    needs = Needs.model_validate(
        {"license": {"value": {"use": "commercial"}, "source": "inferred", "quote": "für die Firma"}}
    )
    message = "The neighbours will look at it on Sundays."
    document = {"license": {"value": "personal", "quote": "The neighbours"}}
    assert value_of(taken(message, document, needs), "license.use") == "personal"
    said = understand("personal use only", needs)
    assert said.updates["license"].value.use == "personal"
    assert not said.conflicts


@pytest.mark.parametrize(
    ("message", "document"),
    [
        ("a chatbot on an RTX 3060", {"license": {"value": "commercial", "quote": "for my company"}}),
        ("a chatbot on an RTX 3060", {"context": {"value": 3061, "quote": "RTX 3060"}}),
        ("a chatbot on my old card", {"hardware": {"value": "RTX 4090", "quote": "my old card"}}),
        ("a chatbot on an RTX 3060", {"license": {"value": "commercial", "quote": "RTX 3060"}}),
        ("a chatbot on an RTX 3060", {"license": {"value": "free", "quote": "a chatbot"}}),
        ("a chatbot on an RTX 3060", {"min_speed": {"value": -5, "quote": "a chatbot"}}),
        ("a chatbot on an RTX 3060", {"languages": {"value": ["German"], "quote": "a chatbot"}}),
        ("a chatbot on an RTX 3060", {"license": {"value": "commercial", "quote": "a" * 400}}),
    ],
)
def test_values_without_proof_are_dropped(message: str, document: dict[str, Any]) -> None:
    (slot,) = document
    before = understand(message, Needs()).updates.get(slot)
    assert taken(message, document).updates.get(slot) == before


def test_numbers_and_lists_written_as_text_are_read() -> None:
    message = "Il me faut 20 jetons par seconde, en allemand et en anglais, contexte 16k."
    found = accepted(
        {
            "intent": "needs",
            "min_speed": {"value": "20 tokens per second", "quote": "20 jetons par seconde"},
            "languages": {"value": "de, en", "quote": "allemand et en anglais"},
            "context": {"value": "16k", "quote": "contexte 16k"},
        },
        message,
    )
    assert not found.problems
    assert found.values["min_speed"].value == 20.0
    assert found.values["languages"].value == ("de", "en")
    assert found.values["context"].value == 16384


@pytest.mark.parametrize(
    ("document", "intent"),
    [
        ({"intent": "question"}, "ask"),
        ({"intent": "complaint", "complaint": "cheaper"}, "critique"),
        ({"intent": "recommend_now"}, "recommend_now"),
        ({"intent": "no_preference"}, "no_preference"),
        ({"intent": "needs"}, "off_topic"),
    ],
)
def test_intents_that_the_parser_cannot_tell_are_the_models(document: dict[str, Any], intent: str) -> None:
    read = taken("C'est beaucoup trop cher pour nous tous.", document)
    assert read.intent == intent
    assert (read.critique == "cheaper") == (intent == "critique")


@given(st.dictionaries(FIELDS, JSON | st.fixed_dictionaries({"value": JSON, "quote": JSON}), max_size=5))
def test_no_document_breaks_the_reading(document: dict[str, Any]) -> None:
    message = "un chatbot sur ma RTX 3060"
    read = merged(understand(message, Needs()), accepted(document, message), Needs(), None, message)
    assert set(read.updates) <= set(SLOTS)


@pytest.mark.parametrize(
    ("message", "foreign"),
    [
        ("I want a chatbot on my RTX 3060 for work", False),
        ("Ich möchte einen Chatbot für die Firma", False),
        ("Je veux un chatbot pour mon entreprise", True),
        ("Quiero un asistente para mi trabajo", True),
        ("Нужен помощник для программирования", True),
        ("RTX 3090", False),
    ],
)
def test_foreign_languages_are_told(message: str, foreign: bool) -> None:
    assert is_foreign(message) == foreign


@pytest.mark.parametrize(
    ("message", "slot"),
    [
        ("I want an offline coding assistant on my RTX 3060 12GB, for work.", ""),
        ("16k", "context"),
        ("No preference, you decide.", "license"),
        ("what does q8_0 do to the cache?", ""),
        ("just recommend something", ""),
        ("thanks", ""),
    ],
)
def test_what_the_parser_explains_needs_no_model(message: str, slot: str) -> None:
    asked = Asked(slot) if slot else None
    assert not left_unread(message, understand(message, Needs(), asked=asked), asked)


@pytest.mark.parametrize(
    ("message", "slot"),
    [
        ("My neighbours and the parish council", "license"),
        ("A chatbot on my RTX 3060, and the grandchildren would be the main audience there", ""),
        ("something for the parish council", ""),
    ],
)
def test_what_the_parser_leaves_is_for_the_model(message: str, slot: str) -> None:
    asked = Asked(slot) if slot else None
    assert left_unread(message, understand(message, Needs(), asked=asked), asked)
