"""What was ruled out of the models, in lists too, and what is welcome again."""

from __future__ import annotations

import pytest

from agent.understanding import Asked, LastAnswer, Understanding, understand
from tools.needs import ModelWish, Needs

LAST = LastAnswer(("Qwen3-14B", "Gemma-3-12B"))
RULED_OUT = "chat on a 4090, not Chinese, no Llama, without reasoning"


def _read(text: str, before: str = "", asked: str = "") -> Understanding:
    needs = Needs()
    if before:
        needs = needs.updated(**understand(before, needs).updates)
    return understand(text, needs, last=LAST, asked=Asked(asked) if asked else None)


def _wish(text: str, before: str = "") -> ModelWish:
    value = _read(text, before).updates["model"].value
    assert isinstance(value, ModelWish)
    return value


def test_a_list_of_what_is_not_wanted_is_read_whole() -> None:
    wish = _wish(RULED_OUT)
    assert wish.excluded == ("llama",)
    assert wish.excluded_places == ("CN",)
    assert wish.no_thinking


def test_what_is_ruled_out_beside_a_critique_is_kept() -> None:
    read = _read("no Llama, and a freer license")
    assert read.critiques == ("freer_license",)
    assert read.updates["model"].value.excluded == ("llama",)


@pytest.mark.parametrize("text", ["translate to English, not Chinese", "in German, no French please"])
def test_a_language_that_is_not_wanted_is_no_country(text: str) -> None:
    read = _read(text)
    assert "model" not in read.updates


@pytest.mark.parametrize(
    ("text", "places", "names", "no_thinking"),
    [
        ("ok, Chinese ones are fine after all", (), ("llama",), True),
        ("doch, chinesische sind ok", (), ("llama",), True),
        ("les mod\u00e8les chinois sont acceptables", (), ("llama",), True),
        ("drop the Chinese restriction", (), ("llama",), True),
        ("I take back the thing about Chinese models", (), ("llama",), True),
        ("Llama is fine again", ("CN",), (), True),
        ("I don't mind Llama", ("CN",), (), True),
        ("Llama and Chinese ones are allowed again", (), (), True),
        ("reasoning is fine too", ("CN",), ("llama",), False),
        ("any maker is fine", (), (), True),
    ],
)
def test_what_was_ruled_out_is_welcome_again(
    text: str, places: tuple[str, ...], names: tuple[str, ...], no_thinking: bool
) -> None:
    read = _read(text, RULED_OUT)
    wish = read.updates["model"].value
    assert (wish.excluded_places, wish.excluded, wish.no_thinking) == (places, names, no_thinking)
    assert not wish.families
    assert "languages" not in read.updates


@pytest.mark.parametrize(
    ("before", "text"),
    [("chat, no Chinese models", "Chinese is fine"), ("chat, at most 8B", "it may be any size")],
)
def test_the_last_restriction_taken_back_clears_the_slot(before: str, text: str) -> None:
    assert _read(text, before).cleared == ("model",)


def test_what_is_fine_is_not_asked_for_alone() -> None:
    assert "model" not in _read("coding on a 3090, gpt-4o-mini is fine").updates


def test_a_negation_is_no_answer() -> None:
    assert "deployment" not in _read("no Llama, nothing from Meta", asked="deployment").updates


def test_a_question_back_leaves_the_choice_open() -> None:
    read = _read("what would you pick?", asked="task")
    assert read.intent == "no_preference"
    assert not read.updates


def test_a_processor_alone_is_a_computer() -> None:
    value = _read("chat, CPU only").updates["hardware"].value
    assert not value.none
