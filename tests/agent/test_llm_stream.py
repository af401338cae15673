"""What is read from a stream, wherever it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.model_calls.stream import CallBuffer, ThinkFilter

TOOLS = {"search_guides", "estimate_memory"}


def _filtered(pieces: list[str]) -> tuple[str, str]:
    """What was shown while it came in, and the text at the end."""
    reading = ThinkFilter()
    shown = "".join(reading.feed(piece) for piece in pieces) + reading.finish()
    return shown, reading.text


CASES = {
    "<think>hidden</think>The answer": "The answer",
    "before <think>x < y</think> after": "before  after",
    "<thinking>a\nb</thinking>\n\nYes <b>": "\n\nYes <b>",
    "no tags, 3 < 4 and <thin air>": "no tags, 3 < 4 and <thin air>",
    "never closed <think>hm": "never closed ",
    "<think></think>empty": "empty",
    "ends with <thi": "ends with <thi",
    "<think>a</think>b<think>c</think>d": "bd",
    "<reasoning>\U0001f914</reasoning>fin\u00e9": "fin\u00e9",
}


@pytest.mark.parametrize("text", CASES)
def test_reasoning_is_left_out_at_every_split_point(text: str) -> None:
    for place in range(len(text) + 1):
        assert _filtered([text[:place], text[place:]]) == (CASES[text], CASES[text]), place


@pytest.mark.parametrize("text", CASES)
def test_reasoning_is_left_out_character_by_character(text: str) -> None:
    assert _filtered(list(text)) == (CASES[text], CASES[text])


@given(st.lists(st.sampled_from(["<", "th", "ink", ">", "</", "think", "a", "<think>", "</think>", " "])))
def test_the_text_does_not_depend_on_the_chunks(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert _filtered(pieces)[1] == _filtered([whole])[1]


def test_a_closing_tag_without_an_opening_one_hides_what_came_before() -> None:
    # The opening tag was part of the prompt; what was shown by then is replaced by the whole text.
    for place in range(len("plan</think>Answer") + 1):
        whole = "plan</think>Answer"
        assert _filtered([whole[:place], whole[place:]])[1] == "Answer"


def test_pieces_of_a_call_are_joined_by_index() -> None:
    calls = CallBuffer()
    calls.add(0, "a", "search_guides", "")
    calls.add(1, "b", "estimate_memory", "")
    calls.add(0, None, None, '{"query": ')
    calls.add(1, None, None, '{"model": "x"}')
    calls.add(0, None, None, '"q"}')
    assert [(c.id, c.name, c.read()) for c in calls.calls] == [
        ("a", "search_guides", {"query": "q"}),
        ("b", "estimate_memory", {"model": "x"}),
    ]


def test_whole_calls_with_the_same_index_stay_apart_and_get_ids() -> None:
    calls = CallBuffer()
    calls.add(0, None, "search_guides", "{}")
    calls.add(0, "", "search_guides", "{}")
    first, second = calls.calls
    assert first.id
    assert second.id
    assert first.id != second.id
    assert first.read() == second.read() == {}


def test_a_server_that_repeats_the_name_sends_one_call() -> None:
    calls = CallBuffer()
    calls.add(0, "a", "search_guides", '{"query":')
    calls.add(0, "a", "search_guides", '"q"}')
    assert [c.read() for c in calls.calls] == [{"query": "q"}]


@pytest.mark.parametrize("arguments", ["[1]", "{", "nonsense", '"text"'])
def test_arguments_that_are_no_object_are_refused_and_go_back_empty(arguments: str) -> None:
    calls = CallBuffer()
    calls.add(0, "a", "search_guides", arguments)
    with pytest.raises(ValueError, match=r"\w"):
        calls.calls[0].read()
    assert calls.calls[0].as_message()["function"]["arguments"] == "{}"
