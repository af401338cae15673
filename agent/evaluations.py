"""What was evaluated in a conversation, as it is kept with it and counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.plan_arguments import Arguments
from agent.state import Offer, State, needs_of
from agent.understanding import Understanding, understand
from tools.evaluated import Apart, Evaluated, Passed, added, for_task, good_enough, overruled
from tools.needs import Needs, Slot

Document = Mapping[str, Any]
MOST_MISSING = 0.1
"""Share of the scenarios that may be without an answer; a run with more decides nothing."""
ANYWAY = "Noted: the fine-tune all the same. What the base passes untuned is the rate that it has to beat."


def task_of(needs: Needs) -> str:
    """The task that an evaluation is of."""
    return needs.task.value.name if needs.task is not None else "chat"


def kept_evaluations(state: State, needs: Needs, *, tune: bool) -> list[dict[str, Any]]:
    """The evaluations after a change of the needs: those of its task, overruled by a wish to fine-tune.

    Args:
        state: the conversation before.
        needs: the needs as they are now.
        tune: a fine-tune was asked for now.
    """
    rows = for_task(needs_of(state).evaluated, task_of(needs))
    return as_kept(overruled(rows) if tune else rows)


def asks_to_tune(text: str, read: Understanding, state: State) -> bool:
    """Whether a message asks for the fine-tune that an evaluation has put aside: `fine-tune it anyway`."""
    needs = needs_of(state)
    if read.intent in ("ask", "what_if") or good_enough(needs.evaluated) is None:
        return False
    # What was said before is no news to the parser, so it is not told of it.
    training = understand(text, needs.updated(training=None)).updates.get("training")
    return training is not None and is_tuning(training)


def is_tuning(training: Slot[Any]) -> bool:
    """Whether a slot asks for a model to be trained."""
    return bool(training.value.method != "none")


def as_kept(rows: tuple[Evaluated, ...]) -> list[dict[str, Any]]:
    """Evaluations as the state keeps them."""
    return [row.model_dump(mode="json") for row in rows]


def with_evaluation(needs: Needs, new: Evaluated) -> Needs:
    """The needs, knowing of another evaluation."""
    return needs.knowing(added(needs.evaluated, new))


def evaluated_of(document: Document, offer: Offer, needs: Needs) -> Evaluated | None:
    """What a run says of the models of an offer; None where it was cut short, so that it decides nothing.

    Args:
        document: of the run.
        offer: what was run.
        needs: what the models were chosen for.
    """
    from tools.evaluation.reading import example_names

    rows, total = document["models"], document["rubric"]["scenarios"]
    failed = any(row["error"] or row["verdict"] is None for row in rows)
    if failed or document["cost"]["stopped"] or any(row["missing"] > MOST_MISSING * total for row in rows):
        return None
    passed = [_passed(row, asked) for row, asked in zip(rows, offer["models"], strict=True)]
    return Evaluated(
        task=task_of(needs),
        rubric=offer["rubric"],
        own=offer["rubric"] not in example_names(),
        # What was asked now only has no older answer to date it by.
        day=(document["run"]["last"] or datetime.now(UTC).isoformat())[:10],
        tune=offer.get("tune", False),
        passed=tuple(passed),
        apart=_apart(document, {row["tag"]: row["model_id"] for row in offer["models"]}),
    )


def _passed(row: Document, asked: Mapping[str, str]) -> Passed:
    interval = row["interval_95"]
    return Passed(
        model=asked["model"],
        model_id=asked["model_id"],
        served_as=row["model"],
        passed=row["passed"],
        answers=row["answers"],
        missing=row["missing"],
        rate=row["pass_rate"],
        low=interval["low"],
        high=interval["high"],
        code=row["verdict"]["code"],
        text=row["verdict"]["text"],
    )


def _apart(document: Document, ids: Mapping[str, str]) -> Apart | None:
    from tools.evaluation.sample_size import scenarios_to_show

    if not document["differences"]:
        return None
    (row,) = document["differences"]
    return Apart(
        first=ids[row["first"]],
        second=ids[row["second"]],
        difference=row["difference"],
        p=row["p"],
        shown=row["shown"],
        only_first=row["only_first"],
        only_second=row["only_second"],
        scenarios=row["scenarios"],
        needed=scenarios_to_show(row["only_first"], row["only_second"], row["scenarios"]),
    )


def with_pass_rate(topic: str, arguments: Arguments, state: State) -> Arguments:
    """The arguments of a question on fine-tuning, with the pass rate of the base that was evaluated here."""
    values = arguments.values
    row = next((row for row in reversed(needs_of(state).evaluated) if row.tune), None)
    if row is None or not topic.startswith("finetune.") or "base_pass_rate" in values:
        return arguments
    other, base = values.get("base") or values.get("model"), row.passed[0]
    if other is not None and other not in (base.model, base.model_id):
        return arguments
    rate: dict[str, Any] = {"base_pass_rate": base.rate, "scenarios": base.answers}
    if other is None and topic == "finetune.worth":
        rate["model"] = base.model  # the rate is of this base, and so is the answer
    whose = "" if row.own else ", example scenarios"
    note = f"base pass rate: {100 * base.rate:.0f} % (evaluated here, {row.rubric}{whose})"
    return Arguments({**values, **rate}, [*arguments.assumed, note])
