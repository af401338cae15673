"""The measurement of models that a person names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.named_bench import named_bench
from agent.proposing_words import Proposal
from knowledge.home import HOME_VARIABLE
from tests.agent.proposed import HERE
from tools.needs import HardwareNeed, Needs, Slot, TaskNeed
from tools.ollama_models import ServerModel

NEEDS = Needs(task=Slot(value=TaskNeed(name="code")))
Ask = Callable[..., Proposal]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Ask:
    """What is said to names, where this Ollama has some tags."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for place in ("tools.brief", "tools.hardware"):
        monkeypatch.setattr(f"{place}.detect_machine", lambda: HERE)

    def asked(*names: str, pulled: tuple[str, ...] = (), needs: Needs = NEEDS) -> Proposal:
        there = tuple(ServerModel(tag, 1) for tag in pulled)
        monkeypatch.setattr("agent.named_bench.models_here", lambda: there)
        return named_bench(names, needs)

    return asked


def tags(found: Proposal) -> list[str]:
    assert found.offer is not None
    return [row["tag"] for row in found.offer["models"]]


def test_what_is_pulled_is_offered_with_its_time_whether_it_was_recommended_or_not(ask: Ask) -> None:
    found = ask("llama3.1:8b", pulled=("llama3.1:8b", "qwen3:8b"))
    assert tags(found) == ["llama3.1:8b"]
    assert "I can measure `llama3.1:8b` on this machine's Ollama" in found.text
    assert "(estimate)" in found.text
    assert "nothing runs before" in found.text


def test_a_tag_that_is_written_out_is_the_one_that_is_measured(ask: Ask) -> None:
    pulled = ("qwen3:8b", "qwen3:8b-q8_0")
    assert tags(ask("qwen3:8b-q8_0", pulled=pulled)) == ["qwen3:8b-q8_0"]
    assert tags(ask("qwen3:8b", pulled=pulled)) == ["qwen3:8b"]


def test_what_is_not_pulled_is_named_with_its_command_and_a_yes_looks_again(ask: Ask) -> None:
    found = ask("qwen3:8b", pulled=("llama3.1:8b",))
    assert "`ollama pull " in found.text
    assert found.offer is not None
    assert (found.offer["models"], found.offer["named"]) == ([], ["qwen3:8b"])
    both = ask("qwen3:8b", "llama3.1:8b", pulled=("llama3.1:8b",))
    assert tags(both) == ["llama3.1:8b"]
    assert "Not pulled yet: `ollama pull " in both.text


def test_more_than_two_are_measured_one_after_another(ask: Ask) -> None:
    pulled = ("qwen3:8b", "llama3.1:8b", "qwen3:4b")
    found = ask(*pulled, pulled=pulled)
    assert tags(found) == ["qwen3:8b", "llama3.1:8b"]
    assert found.text.endswith("I measure 2 at a time: Qwen3-4B after that.")


def test_a_name_that_means_several_is_the_one_that_is_pulled(ask: Ask) -> None:
    assert tags(ask("qwen3", pulled=("qwen3:8b",))) == ["qwen3:8b"]
    several = ask("qwen3", pulled=("qwen3:8b", "qwen3:4b"))
    assert several.offer is None
    assert "could be any of" in several.text


def test_what_cannot_be_measured_is_said(ask: Ask) -> None:
    assert "writes no text" in ask("bge-m3", pulled=("bge-m3",)).text
    unknown = ask("llama-9-300b")
    assert unknown.offer is None
    assert "llama-9-300b" in unknown.text
    elsewhere = NEEDS.model_copy(update={"hardware": Slot(value=HardwareNeed(text="H100"))})
    assert "meant for another one" in ask("qwen3:8b", pulled=("qwen3:8b",), needs=elsewhere).text
