"""What people say to a proposed measurement, in their own words."""

from __future__ import annotations

import time

import pytest

from agent.offer_replies import MOST_SIGNS, asks_cost, heard
from agent.state import Offer, State

MODEL = {"model": "A", "model_id": "org/a", "tag": "a"}


def offered(tool: str = "bench", *, fresh: bool = True, runs: bool = True) -> State:
    """A conversation after a recommendation with a proposal."""
    offer = Offer(tool=tool, models=[MODEL] if runs else [], fresh=fresh)
    if tool == "evaluate":
        offer["rubric"] = "mine.yaml"
    return State(offered=offer, answered=True)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes!!", "y", "ok", "ok do it", "go", "go ahead", "go for it", "sure, measure", "sure"),
        *("yes please", "yes, thanks", "let's do it", "please run it", "k", "why not", "do it now", "👍"),
        *("ja", "ja bitte", "ja, mach das", "klar", "los", "bitte messen", "oui", "sí", "да", "はい"),
        *("measure", "/bench", "bench", "measure both please", "run the benchmark", "can you measure it?"),
        *("yes, measure it now", "measure how fast they are on my machine", "alright"),
    ],
)
def test_a_yes_in_any_words_runs_it(text: str) -> None:
    found = heard(text, offered())
    assert found is not None
    assert (found.kind, found.tool) == ("run", "bench")


@pytest.mark.parametrize(
    "text",
    [
        *("no", "nah", "nope", "later", "maybe later", "not now", "no thanks, not now", "skip it", "don't"),
        *("thanks but no", "ok, later", "stop", "cancel", "nein danke", "lieber nicht", "do not measure"),
    ],
)
def test_a_no_in_any_words_leaves_it(text: str) -> None:
    found = heard(text, offered())
    assert found is not None
    assert found.kind == "leave"


@pytest.mark.parametrize(
    "text",
    [
        *("ok, thanks", "great", "yes and make it 16k context", "go with the second one", "run on cpu"),
        *("yes but only the first", "start over", "no problem", "how long is the context?", "fine-tune it"),
        *("how long will it take to fine-tune?", "cheaper", "yes " * MOST_SIGNS),
    ],
)
def test_what_says_something_else_is_no_answer_to_it(text: str) -> None:
    assert heard(text, offered()) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("measure qwen3:8b", ["qwen3:8b"]),
        ("bench Qwen3-8B please", ["Qwen3-8B"]),
        ("can you measure gemma-3-4b-it and llama3.1:8b on my machine?", ["gemma-3-4b-it", "llama3.1:8b"]),
        ("yes, measure how fast qwen3:8b is", ["qwen3:8b"]),
        ("run the benchmark on qwen3:8b, gemma-3-4b-it", ["qwen3:8b", "gemma-3-4b-it"]),
        ("miss bitte qwen3:8b", ["qwen3:8b"]),
    ],
)
def test_a_model_that_is_named_is_looked_at_before_it_runs(text: str, names: list[str]) -> None:
    found = heard(text, offered())
    assert found is not None
    assert (found.kind, found.tool, list(found.models)) == ("look", "bench", names)


def test_a_named_model_that_was_proposed_runs() -> None:
    state = offered()
    state["offered"] = Offer(
        tool="bench",
        models=[{"model": "Qwen3-8B", "model_id": "Qwen/Qwen3-8B", "tag": "qwen3:8b"}],
        fresh=False,
    )
    found = heard("measure qwen3:8b", state)
    assert found is not None
    assert found.kind == "run"
    other = heard("measure qwen3:8b and qwen3:4b", state)
    assert other is not None
    assert (other.kind, other.models) == ("look", ("qwen3:8b", "qwen3:4b"))


@pytest.mark.parametrize(
    "text",
    [
        *("measure qwen3:8b against my old notes", "measure twice, cut once", "bench press program"),
        *("measure the quality of qwen3:8b", "what benchmarks does qwen3:8b have?", "run qwen3:8b"),
    ],
)
def test_a_name_beside_other_words_is_no_measurement(text: str) -> None:
    assert heard(text, offered()) is None


@pytest.mark.parametrize(
    "text",
    ["how long will it take?", "wie lange dauert das?", "what will you measure?", "yes, but how long?"],
)
def test_a_question_about_it_is_answered_by_it_and_runs_nothing(text: str) -> None:
    found = heard(text, offered("evaluate"))
    assert found is not None
    assert (found.kind, found.tool, found.rubric) == ("look", "evaluate", "mine.yaml")


def test_what_it_costs_may_also_mean_the_models() -> None:
    assert asks_cost("what does it cost?", offered()) is not None
    assert heard("what does it cost?", offered()) is None
    assert asks_cost("what does Qwen cost?", offered()) is None
    assert asks_cost("what does it cost?", offered(fresh=False)) is None


def test_a_bare_yes_means_only_a_fresh_proposal_and_its_name_an_older_one() -> None:
    assert heard("yes", offered(fresh=False)) is None
    found = heard("measure", offered(fresh=False))
    assert found is not None
    assert found.kind == "run"


def test_a_yes_to_what_cannot_run_yet_looks_again() -> None:
    for text in ("yes", "measure"):
        found = heard(text, offered(runs=False))
        assert found is not None
        assert found.kind == "look"


@pytest.mark.parametrize(
    ("text", "rubric"),
    [
        ("evaluate", ""),
        ("evaluate mine.yaml", "mine.yaml"),
        ("evaluate it with 'my file.yaml'", "my file.yaml"),
        ("evaluate the base with my file /home/a b/x.jsonl", "/home/a b/x.jsonl"),
        ("please evaluate on the code example", "code"),
    ],
)
def test_an_evaluation_by_name_takes_a_file_or_an_example(text: str, rubric: str) -> None:
    found = heard(text, offered())
    assert found is not None
    assert (found.kind, found.tool, found.rubric) == ("look", "evaluate", rubric)


def test_a_question_that_waits_is_answered_first() -> None:
    state = offered()
    state["pending"] = {"slot": "license", "text": "?", "options": [], "clarifies": False, "reason": ""}
    assert heard("yes", state) is None
    assert asks_cost("what does it cost?", state) is None


def test_no_message_makes_the_patterns_try_without_end() -> None:
    began = time.process_time()
    for piece in (
        "please do ",
        "maybe later ",
        "ok ",
        "evaluate a ",
        "how long it ",
        "measure it ",
        "measure and ",
    ):
        heard((piece * MOST_SIGNS)[: MOST_SIGNS - 2] + "x", offered())
    assert time.process_time() - began < 10.0
