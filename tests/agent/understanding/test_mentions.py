"""Models as wishes, as unwanted, and as what is only spoken about."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent.understanding import LastAnswer, understand
from tools.needs import ModelWish, Needs


def wish(text: str) -> ModelWish | None:
    slot = understand(text, Needs()).updates.get("model")
    return None if slot is None else slot.value


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("a 70B model", 63, 77),
        ("something around 8B", 5.6, 10.4),
        ("at most 14B", None, 14),
        ("at least 30B parameters", 30, None),
    ],
)
def test_sizes(text: str, low: float | None, high: float | None) -> None:
    got = wish(text)
    assert got is not None
    assert (got.min_params_b, got.max_params_b) == (low, high)


@pytest.mark.parametrize(
    ("text", "excluded"),
    [("not Llama", "llama"), ("anything but Qwen", "qwen"), ("nothing from Google please", "google")],
)
def test_unwanted(text: str, excluded: str) -> None:
    got = wish(text)
    assert got is not None
    assert excluded in got.excluded
    assert got.named == got.families == ()


@pytest.mark.parametrize(
    ("text", "family"),
    [("Qwen only, for coding", "qwen"), ("I want a Granite model", "granite"), ("use Gemma", "gemma")],
)
def test_families(text: str, family: str) -> None:
    got = wish(text)
    assert got is not None
    assert got.families == (family,)


@pytest.mark.parametrize(
    "text",
    [
        "something like ChatGPT at home",
        "we currently use Llama 3.1 8B for chat",
        "a chatbot for our granite and marble shop",
        "a tiny GPT trained from scratch",
        "replace GPT-4o with something local",
        "run it with ollama and llama.cpp",
        "on my M3 Max 64GB",
        "the Llama license is too strict for us",
    ],
)
def test_only_spoken_about(text: str) -> None:
    assert wish(text) is None


def test_unknown_model_is_said() -> None:
    got = understand("I want Llama 9 500B", Needs())
    assert any("Llama 9" in note for note in got.notes) or got.updates["model"].value.families == ("llama",)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from agent.understanding import understand; from tools.needs import Needs; "
        "understand('coding with Llama 3.1 8B on a 3090', Needs()); "
        "heavy = {'litellm', 'torch', 'sentence_transformers', 'chromadb', 'langgraph', 'bm25s', 'numpy'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("not Chinese", "excluded_places", ("CN",)),
        ("nothing from China please", "excluded_places", ("CN",)),
        ("kein chinesisches Modell", "excluded_places", ("CN",)),
        ("no American models", "excluded_places", ("US",)),
        ("something from Europe", "places", ("europe",)),
        ("European models only", "places", ("europe",)),
        ("nothing by Microsoft", "excluded", ("microsoft",)),
        ("open training data", "open_data", True),
        ("without thinking", "no_thinking", True),
    ],
)
def test_makers_their_seats_data_and_thinking(text: str, field: str, value: object) -> None:
    got = understand(text, Needs(), last=LastAnswer(("a/b",))).updates["model"].value
    assert getattr(got, field) == value


@pytest.mark.parametrize(
    "text", ["we are a German company", "we are based in Germany", "a chat bot in Chinese"]
)
def test_a_seat_of_ones_own_and_a_language_are_no_wish(text: str) -> None:
    assert "model" not in understand(text, Needs()).updates


def test_what_was_ruled_out_stays_ruled_out() -> None:
    needs = Needs()
    for text in ("coding, not Chinese", "no Llama", "not from Google", "max 14B"):
        needs = needs.updated(**understand(text, needs).updates)
    assert needs.model is not None
    assert needs.model.value.excluded_places == ("CN",)
    assert needs.model.value.excluded == ("llama", "google")
    assert needs.model.value.max_params_b == 14
