"""`recommend`'s slots: exact values, free text, files, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import AdvisorError, UsageError
from tools.commands.requests import parse
from tools.needs import SLOTS, Needs
from tui import needs_options
from tui.needs_options import NeedsOptions, answer, read_needs


def read(**values: Any) -> dict[str, Any]:
    """Values by slot, as JSON."""
    document = read_needs(values).as_json()
    return {slot: filled["value"] for slot, filled in document.items()}


def test_there_is_an_option_for_every_slot() -> None:
    assert set(NeedsOptions.model_fields) == {*SLOTS, "needs", "reserve"}


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ("context", "32k", 32768),
        ("context", 16384, 16384),
        ("priority", "Speed", "speed"),
        ("min_speed", "20", 20.0),
        ("concurrency", 4, 4),
        ("languages", "en, de", ["en", "de"]),
        ("languages", ["fr"], ["fr"]),
        ("languages", "German and English", ["de", "en"]),
        ("features", "vision,tool_calling", ["vision", "tool_calling"]),
    ],
)
def test_exact_values(slot: str, text: Any, value: Any) -> None:
    assert read(**{slot: text})[slot] == value


@pytest.mark.parametrize(
    ("slot", "text", "key", "value"),
    [
        ("task", "code", "name", "code"),
        ("task", "writing Python all day", "name", "code"),
        ("task", "Coding", "name", "code"),
        ("task", "Coding", "detail", "Coding"),
        ("license", "commercial", "use", "commercial"),
        ("deployment", "local", "mode", "local"),
        ("training", "qlora", "method", "qlora"),
        ("hardware", "2x RTX 3090", "text", "2x RTX 3090"),
        ("task", {"name": "rag", "long_inputs": True}, "long_inputs", True),
        ("budget", "50 dollars a month", "usd_per_month", 50.0),
    ],
)
def test_words_and_objects_become_values(slot: str, text: Any, key: str, value: Any) -> None:
    assert read(**{slot: text})[slot][key] == value


def test_what_was_said_is_quoted() -> None:
    needs = read_needs({"context": "32k"})
    assert needs.context is not None
    assert (needs.context.source, needs.context.quote) == ("user", "32k")


def test_an_option_wins_over_what_another_one_says_by_the_way() -> None:
    assert read(task="chat in French", languages="de")["languages"] == ["de"]


@pytest.mark.parametrize(
    "values",
    [
        {"context": "0"},
        {"context": -5},
        {"context": "999999999999"},
        {"context": "-32k"},
        {"min_speed": "-3"},
        {"concurrency": 0},
        {"priority": "qwertz uiop"},
        {"task": "   "},
        {"task": "x" * 20_000},
        {"task": {"name": "world peace"}},
        {"features": ["flying"]},
        {"budget": {"usd": 5}},
        {"languages": 3},
        {"languages": "klingon"},
        {"languages": ["Klingon"]},
    ],
    ids=str,
)
def test_values_that_cannot_be_read_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read_needs(values)
    assert f"`{next(iter(values))}`" in caught.value.message
    assert len(caught.value.message) < 300


def test_needs_that_contradict_each_other_are_said() -> None:
    with pytest.raises(UsageError, match="do not go together") as caught:
        read_needs({"deployment": "it must run fully offline and use the OpenAI API"})
    assert "deployment" in caught.value.message


def test_an_unknown_accelerator_is_said() -> None:
    with pytest.raises(AdvisorError) as caught:
        answer(parse(NeedsOptions, {"task": "code", "hardware": "RTX 9099"}))
    assert caught.value.exit_status == 1
    assert "9099" in caught.value.message


FILES = {
    "needs.json": json.dumps({"task": "code", "context": 8192}),
    "needs.toml": 'task = "code"\ncontext = 8192\n',
    "recommendation.json": json.dumps(
        {"needs": {"task": {"value": {"name": "code"}, "source": "user", "quote": "c"}}}
    ),
}


@pytest.fixture
def recommended(monkeypatch: pytest.MonkeyPatch) -> list[Needs]:
    """The needs that a recommendation was asked for."""
    asked: list[Needs] = []

    def recommend(needs: Needs) -> dict[str, Any]:
        asked.append(needs)
        return {}

    monkeypatch.setattr(needs_options, "recommend_needs", recommend)
    return asked


@pytest.mark.parametrize("name", FILES)
def test_needs_from_a_file(name: str, tmp_path: Path, recommended: list[Needs]) -> None:
    path = tmp_path / name
    path.write_text(FILES[name])
    answer(parse(NeedsOptions, {"needs": str(path), "context": "4k"}))
    needs = recommended[0]
    assert needs.task is not None
    assert needs.task.value.name == "code"
    assert needs.context is not None
    assert needs.context.value == 4096


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing.json", None),
        ("broken.json", "{"),
        ("list.json", "[]"),
        ("slot.json", '{"colour": 1}'),
        ("b.toml", "="),
    ],
)
def test_files_that_cannot_be_read_are_wrong_usage(
    name: str, text: str | None, tmp_path: Path, recommended: list[Needs]
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError):
        answer(parse(NeedsOptions, {"needs": str(path)}))
    assert recommended == []


def test_an_object_on_the_command_line_is_the_exact_value() -> None:
    needs = read_needs({"license": '{"use": "commercial", "users": 800000000, "field": "military"}'})
    assert needs.license is not None
    assert needs.license.value.users == 800_000_000
    assert needs.license.value.field == "military"
    for wrong in (
        '{"use": "commercial", "field": "space"}',
        '{"use": ',
        '{"users": 5}',
        '{"use": "any", "users": -5}',
    ):
        with pytest.raises(UsageError, match="license"):
            read_needs({"license": wrong})


def test_training_and_data_read_as_words() -> None:
    from tui.needs_view import value_words

    assert value_words("training", {"method": "any"}) == "fine-tuning, method left open"
    assert value_words("training", {"method": "qlora"}) == "QLoRA"
    assert value_words("languages", ["multi"]) == "several"
    assert value_words("languages", ["en", "de"]) == "en, de"
    assert value_words("dataset", {"examples": 5000}) == "5,000 examples"
