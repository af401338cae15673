"""What an evaluation in a conversation comes to in words, and where it is counted."""

from __future__ import annotations

from typing import Any

import pytest

from agent.evaluated_words import decided_words, results_words
from agent.evaluations import as_kept, evaluated_of, kept_evaluations, with_pass_rate
from agent.plan_arguments import Arguments
from agent.state import Offer, State
from tools.evaluated import Apart, Evaluated, Passed
from tools.needs import Needs, Slot, TaskNeed

ENDS = {"above": (0.75, 0.99), "between": (0.52, 0.68), "below": (0.1, 0.4), "open": (0.45, 0.9)}
NEEDS = Needs(task=Slot(value=TaskNeed(name="chat")))


def tuned(code: str = "open", *, own: bool = True, text: str = "it cannot be told yet") -> Evaluated:
    """What a base passed of 20 before its fine-tune."""
    low, high = ENDS[code]
    row = {"model": "Base", "model_id": "org/a", "served_as": "ollama_chat/a", "passed": 18, "answers": 20}
    base = Passed.model_validate({**row, "rate": 0.9, "low": low, "high": high, "code": code, "text": text})
    return Evaluated(
        task="chat", rubric="mine.yaml", own=own, day="2026-11-21", tune=True, passed=(base,), apart=None
    )


def tied(difference: float, p: float, needed: int | None = None) -> Evaluated:
    """Two options on the same 20 scenarios."""
    first = tuned().passed[0]
    second = first.model_copy(update={"model": "Other", "model_id": "org/b"})
    apart = Apart(
        first="org/a",
        second="org/b",
        difference=difference,
        p=p,
        shown=p < 0.05,
        only_first=3,
        only_second=1,
        scenarios=20,
        needed=needed,
    )
    return tuned().model_copy(update={"tune": False, "passed": (first, second), "apart": apart})


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        ("above", "Fine-tuning may not be needed: Base passes 90 % untuned."),
        ("between", "Whether to fine-tune is open: Base passes 90 % untuned, between 50 and 70 %."),
        ("below", "Fine-tuning should help: Base passes only 90 % untuned."),
        (
            "open",
            "Whether to fine-tune is still open: Base passes 90 % untuned, and the interval holds 50 % and",
        ),
    ],
)
def test_a_rate_says_whether_to_fine_tune(code: str, begins: str) -> None:
    assert decided_words(tuned(code)).startswith(begins)


def test_what_would_tell_is_said_where_it_is_open() -> None:
    told = decided_words(tuned(text="it cannot be told yet: so; about 30 more scenarios would decide"))
    assert "; about 30 more scenarios would decide. Try the prompt, examples and retrieval first." in told


def test_a_tie_is_broken_or_stays_with_what_would_show_more() -> None:
    assert decided_words(tied(-0.4, 0.008)) == (
        "The scenarios break the tie: Other passes 40 points more than Base on the same ones, more than "
        "chance explains (p = 0.008)."
    )
    stays = decided_words(tied(0.1, 0.62, 84))
    assert "the gap of 10 points may be chance (p = 0.62), and about 84 scenarios would show it" in stays
    level = decided_words(tied(0.0, 1.0))
    assert "they passed as many (p = 1), and more scenarios would hardly show one" in level


def row(
    model: str, passed: int = 18, missing: int = 0, error: dict[str, str] | None = None
) -> dict[str, Any]:
    """A model of a run's document."""
    answers = 20 - missing
    verdict = {"code": "open", "text": "open", "citation": {"kind": "guide", "source": "g", "locator": "l"}}
    return {
        "model": model,
        "passed": passed,
        "answers": answers,
        "missing": missing,
        "pass_rate": passed / answers if answers else None,
        "interval_95": {"low": 0.5, "high": 0.9} if answers else None,
        "verdict": verdict if answers else None,
        "error": error,
    }


def document(*rows: dict[str, Any], stopped: str | None = None) -> dict[str, Any]:
    """A run's document."""
    return {
        "rubric": {"scenarios": 20},
        "run": {"last": "2026-11-20T10:00:00+00:00"},
        "models": list(rows),
        "differences": [],
        "cost": {"usd": 0.0213, "stopped": stopped},
        "caveats": ["one thing."],
    }


def test_a_run_that_was_cut_short_decides_nothing() -> None:
    offer = Offer(
        tool="evaluate",
        models=[{"model": name, "model_id": f"org/{name}", "tag": name} for name in ("a", "b")],
        rubric="mine.yaml",
    )
    failed = {"code": "bad_key", "message": "The key is wrong.", "hint": "Mend it."}
    whole = evaluated_of(document(row("a"), row("b", missing=2)), offer, NEEDS)
    assert whole is not None
    assert (whole.day, whole.own, whole.passed[1].missing) == ("2026-11-20", True, 2)
    for short in (
        document(row("a"), row("b", missing=3)),
        document(row("a"), row("b", missing=20)),
        document(row("a"), row("b", missing=19, passed=1, error=failed)),
        document(row("a"), row("b"), stopped="The ceiling is reached."),
    ):
        assert evaluated_of(short, offer, NEEDS) is None
    told, _ = results_words(document(row("a"), row("b", missing=20, passed=0, error=failed)), "command")
    assert "That did not work: `b`: The key is wrong. Mend it. What is finished is kept" in told
    assert "It cost $0.0213." in told


def test_a_change_of_the_task_drops_it_and_a_wish_to_fine_tune_overrules_it() -> None:
    state = State(needs=NEEDS.as_json(), evaluated=as_kept((tuned("above"),)))
    assert kept_evaluations(state, NEEDS, tune=False) == state["evaluated"]
    assert kept_evaluations(state, NEEDS, tune=True)[0]["overruled"]
    other = NEEDS.updated(task=Slot(value=TaskNeed(name="code")))
    assert kept_evaluations(state, other, tune=False) == []


def test_a_question_on_fine_tuning_takes_the_rate_unless_it_names_one() -> None:
    state = State(evaluated=as_kept((tuned(),)))
    found = with_pass_rate("finetune.worth", Arguments(), state)
    assert (found.values["base_pass_rate"], found.values["scenarios"]) == (0.9, 20)
    assert found.values["model"] == "Base"
    assert "evaluated here, mine.yaml" in found.assumed[0]
    given = Arguments({"base_pass_rate": 0.4})
    assert with_pass_rate("finetune.worth", given, state) is given
    other = Arguments({"model": "Qwen/Qwen3-8B"})
    assert with_pass_rate("finetune.worth", other, state) is other
    assert with_pass_rate("tokens.cost", Arguments(), state).values == {}
    example = State(evaluated=as_kept((tuned(own=False),)))
    assert "example scenarios" in with_pass_rate("finetune.worth", Arguments(), example).assumed[0]
