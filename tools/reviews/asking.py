"""Steps of a review that ask models: each model is an evaluation of its own, so that a candidate more asks no
other again, and what `llm-advisor evaluate` has already asked of one model counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from tools.commands.evaluate import EvaluateQuery, Watch, plan_of, run_evaluation
from tools.evaluation.forecast import forecast
from tools.evaluation.journal import FILE, read_journal, run_folder
from tools.evaluation.journal import Kept as Journalled
from tools.evaluation.plan import Plan
from tools.evaluation.runner import Event
from tools.planning.base_review import table
from tools.reviews.state import Asking

Document = dict[str, Any]
ENDING = frozenset({"cost", "busy", "not_stored"})
"""Errors after which no further model is asked."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One base, and the name under which it is asked."""

    model_id: str
    served_as: str

    @property
    def model(self) -> str:
        """Name for people."""
        return load_catalog().by_id[self.model_id.lower()].name


def served_as(model: ModelRecord, asking: Asking) -> str:
    """How a base is asked: as the person said, else at Ollama by its tag or its GGUF file."""
    if model.id in asking.served:
        return asking.served[model.id]
    if asking.endpoint is not None:
        return model.id
    if model.ollama_tag:
        return f"ollama_chat/{model.ollama_tag}"
    if model.gguf_repo:
        return f"ollama_chat/hf.co/{model.gguf_repo}:{table()['quant']}"
    return f"ollama_chat/{model.name.lower()}"


def query_for(asking: Asking, served: str, *, dry: bool = False, fresh: bool = False) -> EvaluateQuery:
    """The evaluation of one model."""
    given = {
        "models": (served,),
        "rubric": asking.rubric,
        "endpoint": asking.endpoint,
        "key_variable": asking.key_variable,
        "judge": asking.judge,
        "judge_endpoint": asking.judge_endpoint,
        "judge_key_variable": asking.judge_key_variable,
        "repeats": asking.repeats,
        "concurrency": asking.concurrency,
        "requests_per_minute": asking.requests_per_minute,
        "max_cost": asking.max_cost,
    }
    known = {key: value for key, value in given.items() if value is not None}
    return EvaluateQuery.model_validate({**known, "dry_run": dry, "fresh": fresh})


def plan_for(asking: Asking, served: str) -> Plan:
    """The plan of one model's evaluation.

    Raises:
        UsageError: the rubric cannot be read, or the parts do not go together.
    """
    return plan_of(query_for(asking, served))


def inputs_of(asking: Asking, served: str) -> Document:
    """What decides the answers of one model, by words for people.

    Raises:
        UsageError: as `plan_for`.
    """
    plan = plan_for(asking, served)
    return {
        "rubric": plan.rubric.digest,
        "server": [plan.models[0], plan.endpoint],
        "judge": plan.judge if plan.judged else None,
        **({"judge_server": plan.judge_endpoint} if plan.judged and plan.judge_endpoint else {}),
        "repeats": plan.settings.repeats,
    }


def foreseen(asking: Asking, who: Sequence[Contender], fresh: Sequence[str], folder: Path | None) -> Document:
    """What asking takes; sends nothing.

    Args:
        asking: how.
        who: the models.
        fresh: hub ids of those that are asked again whatever they answered.
        folder: the state folder; None for the person's.

    Returns:
        `asks` (names of those with something left to ask), `requests`, `usd` and `most_usd` (None where a
        price is unknown), `seconds` with low, mid and high.

    Raises:
        UsageError: as `plan_for`.
    """
    rows = []
    for each in who:
        plan = plan_for(asking, each.served_as)
        done = {} if each.model_id in fresh else _record(plan, folder).done
        rows.append(forecast(plan, [key for key in plan.work() if key in done]).as_json())
    return {
        "asks": [one.served_as for one, row in zip(who, rows, strict=True) if row["requests"]],
        "requests": sum(row["requests"] for row in rows),
        **{key: _sum([row[key] for row in rows]) for key in ("usd", "most_usd")},
        "seconds": {
            end: round(sum(row["seconds"][end] for row in rows), 1) for end in ("low", "mid", "high")
        },
    }


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum; None where a part is not known."""
    known = [value for value in values if value is not None]
    return round(sum(known), 6) if len(known) == len(values) else None


def _record(plan: Plan, folder: Path | None) -> Journalled:
    return read_journal(run_folder(plan, folder) / FILE)


@dataclass(slots=True)
class Asked:
    """What asking several models brought."""

    rows: list[Document]
    interrupted: bool = False
    error: Document | None = None
    """The first one."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told while models are asked."""

    begun: Callable[[str], None]
    """Told a hub id once its new record has begun, so that it is not begun again."""
    there: Callable[[list[Document]], None]
    """Told the rows so far after each model."""
    watch: Watch | None = None
    """Told each event of the evaluations."""


def ask(
    asking: Asking,
    who: Sequence[Contender],
    fresh: Sequence[str],
    listener: Listener,
    *,
    beside: Sequence[Contender] = (),
    offline: bool = False,
    folder: Path | None = None,
) -> Asked:
    """Asks models one after the other; what an earlier call finished is taken from its record.

    Args:
        asking: how; `max_cost` is the ceiling of all of them together.
        who: the models.
        fresh: hub ids of those that are asked again whatever they answered.
        listener: is told how it goes on.
        beside: further models of the review, whose cost counts too.
        offline: forbids to ask; finished ones are still read.
        folder: the state folder; None for the person's.
    """
    found = Asked([])
    for each in who:
        left = _left(asking, [one for one in (*who, *beside) if one != each], folder)
        how = asking.model_copy(update={"max_cost": left})
        query = query_for(how, each.served_as, fresh=each.model_id in fresh)
        document: Document | None = None
        try:
            document = run_evaluation(query, _watch(each, listener), offline=offline, folder=folder)
            error = document.get("error")
        except AdvisorError as raised:
            error = raised.as_json()
        found.rows.append(measured_row(each, document, error))
        found.error = found.error or error
        listener.there(found.rows)
        found.interrupted = document is not None and document["interrupted"]
        if found.interrupted or (error is not None and error["code"] in ENDING):
            break
    return found


def _watch(who: Contender, listener: Listener) -> Watch:
    def seen(event: Event) -> None:
        listener.begun(who.model_id)
        if listener.watch is not None:
            listener.watch(event)

    return seen


def _left(asking: Asking, others: Sequence[Contender], folder: Path | None) -> float | None:
    """What is left of the ceiling for one model and what it has spent already; None without a ceiling."""
    if asking.max_cost is None:
        return None
    names = {one.served_as for one in others}
    spent = sum(_record(plan_for(asking, name), folder).usd for name in names)
    return max(0.0, asking.max_cost - spent)


def measured_row(who: Contender, document: Document | None, error: Document | None) -> Document:
    """One model's part of a step's result.

    Args:
        who: the model.
        document: of its evaluation; None where it could not be asked.
        error: why there is less than was wanted.
    """
    row: Document = {"model": who.model, "model_id": who.model_id, "served_as": who.served_as, "error": error}
    if document is None:
        return row | {"complete": False, "pass_rate": None, "outcomes": {}, "tags": [], "usd": 0.0}
    found = document["models"][0]
    keys = (
        "pass_rate",
        "interval_95",
        "verdict",
        "passed",
        "answers",
        "scenarios",
        "missing",
        "tags",
        "replaced",
    )
    results = {one["id"]: one["results"][found["model"]] for one in document["scenarios"]}
    return row | {
        "complete": document["complete"],
        **{key: found[key] for key in keys},
        "outcomes": {name: [one["passed"], one["runs"]] for name, one in results.items() if one["runs"]},
        "usd": document["cost"]["usd"],
        "last": document["run"]["last"],
        "run": document["run"]["id"],
        "digest": document["rubric"]["digest"],
    }
