"""The steps of a kept review: what each rests on, whether it is up to date, and what it brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, UsageError
from knowledge.files import json_digest
from tools.commands.plan_migration import MigrationQuery, plan_migration
from tools.planning.base_review import table
from tools.planning.migration import months_later
from tools.reviews import asking as ask
from tools.reviews.practice import measured_here
from tools.reviews.state import Kept, Review

Document = dict[str, Any]
State = Literal["done", "due", "partly", "changed", "waiting", "needless"]
FILTER, OUTSIDE, OWN_TASKS, TRAINING, PRACTICE, DECISION = range(1, 7)
STEPS = (FILTER, OUTSIDE, OWN_TASKS, TRAINING, PRACTICE, DECISION)
ASKING = (OWN_TASKS, TRAINING)
"""Steps that ask models."""
STALE_MONTHS = 6
NO_RUBRIC = "name your scenarios with --rubric FILE (an example: --rubric classification)"


@dataclass
class Standing:
    """A review on one day, with everything that its steps are held against; computed where asked for."""

    review: Review
    day: date
    folder: Path | None = None
    _states: dict[int, tuple[State, tuple[str, ...]]] = field(default_factory=dict)

    @cached_property
    def query(self) -> MigrationQuery:
        """The request of the plan."""
        return MigrationQuery.model_validate({**self.review.request, "base": self.review.base})

    @cached_property
    def found(self) -> Document:
        """The plan with its candidates looked for anew."""
        return plan_migration(self.query, today=self.day)

    @cached_property
    def plan(self) -> Document:
        """The plan with the candidates that the first step left; as it is now where it was not run."""
        if not self.filtered:
            return self.found
        return plan_migration(self.query.model_copy(update={"candidates": self.filtered}), today=self.day)

    @property
    def filtered(self) -> tuple[str, ...]:
        """Hub ids that the first step left; a model that was removed from the catalog meanwhile is none."""
        kept, known = self.review.steps.get(FILTER), load_catalog().by_id
        return tuple(one for one in (kept.result["kept"] if kept is not None else ()) if one.lower() in known)

    def figures(self, step: int) -> dict[str, str]:
        """The sentence of a step for each base, by hub id."""
        bases = [self.plan["current"], *self.plan["candidates"]]
        told = self.plan["steps"][step - 1]["computed"]
        if step == TRAINING:
            told = [f"{text}; tuning: {_tuning(base)}" for base, text in zip(bases, told, strict=True)]
        return {base["model_id"]: text for base, text in zip(bases, told, strict=True)}

    @property
    def candidates(self) -> tuple[str, ...]:
        """Hub ids of the candidates that are left after what was run."""
        gone = self.review.steps.get(OUTSIDE)
        dropped = {row["model_id"] for row in gone.result["dropped"]} if gone is not None else set()
        return tuple(one for one in self.filtered if one not in dropped)

    @property
    def bases(self) -> tuple[str, ...]:
        """Base and candidates."""
        return (self.review.base, *self.candidates)

    def contenders(self, step: int) -> tuple[ask.Contender, ...]:
        """The models that a step asks."""
        how = self.review.asking
        if step == TRAINING:
            return tuple(ask.Contender(one, how.tuned[one]) for one in self.bases if one in how.tuned)
        by_id = load_catalog().by_id
        return tuple(ask.Contender(one, ask.served_as(by_id[one.lower()], how)) for one in self.bases)

    def inputs(self, step: int) -> Document:
        """What a step rests on, by words for people.

        Raises:
            UsageError: the rubric cannot be read.
        """
        if step == FILTER:
            wanted = {"candidates": [*(self.query.candidates or ()), self.query.count]}
            return wanted | {"machine": self._target(), "catalog": json_digest(_checked(self.found))}
        if step == DECISION:
            kept = {str(one): self.review.steps[one].result for one in STEPS[:-1] if one in self.review.steps}
            return {"results of the steps before": json_digest(kept)}
        inputs: Document = {"candidates": sorted(self.bases)}
        if step == OUTSIDE:
            # Later steps have fewer candidates than the one that drops them.
            inputs = {"candidates": sorted(self.filtered)}
        if step in (OUTSIDE, TRAINING, PRACTICE):
            told = self.figures(step)
            inputs["catalog"] = json_digest([told[one] for one in inputs["candidates"] if one in told])
        if step == TRAINING:
            asked = self.query
            inputs["training"] = [asked.lora_rank, asked.sequence_length, asked.training_hardware]
        if step == PRACTICE:
            inputs["machine"] = self._target()
            inputs["measurements on this machine"] = json_digest(self.measured)
        if step in ASKING:
            inputs |= {"how": {one.model_id: self._asked(one.served_as) for one in self.contenders(step)}}
        return inputs

    def _asked(self, served: str) -> Document:
        return ask.inputs_of(self.review.asking, served)

    def _target(self) -> str:
        target = self.found["target"]
        return f"{target['ram_bytes']} bytes, {target['context']} tokens"

    @cached_property
    def measured(self) -> dict[str, Document]:
        """What `bench` measured here of the models, by hub id."""
        return measured_here(self.contenders(OWN_TASKS))

    def state(self, step: int) -> tuple[State, tuple[str, ...]]:
        """The state of a step, and why."""
        if step not in self._states:
            self._states[step] = self._state(step)
        return self._states[step]

    def _state(self, step: int) -> tuple[State, tuple[str, ...]]:
        kept = self.review.steps.get(step)
        if step != FILTER and FILTER not in self.review.steps:
            return "waiting", ("step 1 comes first",)
        if step not in (FILTER, DECISION) and not self.filtered:
            return "needless", ("no candidate is left",)
        if step == DECISION and self._undecided():
            return "waiting", ("step 3 is not finished: own scenarios decide",)
        if step == OWN_TASKS and self.review.asking.rubric is None:
            return "waiting", (NO_RUBRIC,)
        try:
            inputs = self.inputs(step)
        except UsageError as error:
            return "waiting", (f"{error.message} {error.hint}".strip(),)
        if kept is None:
            return "due", ()
        changed = _changed(kept.inputs, inputs)
        if changed:
            return "changed", changed
        if not kept.complete or self.review.anew.get(step):
            return "partly", ()
        return "done", ()

    def _undecided(self) -> bool:
        """Whether the step with the own scenarios has still to be finished."""
        kept = self.review.steps.get(OWN_TASKS)
        return bool(self.candidates) and (kept is None or not kept.complete)

    def old(self, step: int) -> bool:
        """Whether a step's results are more than six months old."""
        kept = self.review.steps.get(step)
        return kept is not None and months_later(date.fromisoformat(kept.on), STALE_MONTHS) < self.day

    def estimate(self, step: int) -> Document | None:
        """What a step would ask; None where it asks nothing.

        Raises:
            AdvisorError: the rubric or a record cannot be read.
        """
        if step not in ASKING or not self.contenders(step):
            return None
        anew = self.review.anew.get(step, [])
        return ask.foreseen(self.review.asking, self.contenders(step), anew, self.folder)

    def next_step(self, *, offline: bool = False) -> int | None:
        """The first step that is to be run and can be."""
        return next((step for step in STEPS if self.runs(step, offline=offline)), None)

    def runs(self, step: int, *, offline: bool) -> bool:
        """Whether a step is to be run and can be."""
        if self.state(step)[0] not in ("due", "partly", "changed"):
            return False
        return not (offline and self.needs_server(step))

    def needs_server(self, step: int) -> bool:
        """Whether a step has to ask a model that has not answered yet."""
        try:
            found = self.estimate(step)
        except AdvisorError:
            return True
        return found is not None and found["requests"] > 0


def _tuning(base: Mapping[str, Any]) -> str:
    """What is published of how a base takes fine-tuning."""
    check = next(check for check in base["soft"] if check["key"] == "tuning")
    return str(check["figure"]) if check["status"] != "unknown" else "nobody's measurement is known"


def _checked(plan: Mapping[str, Any]) -> list[Any]:
    """What the first step looks at: the hard requirements of base and candidates."""
    rows = [plan["current"], *plan["candidates"]]
    return [[row["model_id"], [[c["key"], c["status"], c["figure"]] for c in row["hard"]]] for row in rows]


WORDS = {"candidates": "the candidates"}
OTHERS = "the models to ask"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs, in words."""
    names: list[str] = []
    for key in now:
        if key == "how":
            otherwise = _asked_otherwise(before.get("how") or {}, now["how"])
            names += [name for name in otherwise if name != OTHERS or WORDS["candidates"] not in names]
        elif before.get(key) != now[key]:
            names.append(WORDS.get(key, f"the {key}"))
    if len(names) > 1:
        # Other candidates or another machine have other figures, whatever the catalog says.
        names = [name for name in names if name != "the catalog"]
    return tuple(f"{name} changed since" for name in dict.fromkeys(names))


def _asked_otherwise(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = [] if before.keys() == now.keys() else [OTHERS]
    for model in before.keys() & now.keys():
        names += [f"the {key}" for key in now[model] if before[model].get(key) != now[model][key]]
    return sorted(names)


def computed_result(at: Standing, step: int) -> Document:
    """What a step brings that asks nobody."""
    if step == FILTER:
        return _filtered(at)
    told = at.figures(step)
    by_id = {row["model_id"]: row for row in (at.plan["current"], *at.plan["candidates"])}
    ids = [at.review.base, *at.filtered] if step == OUTSIDE else list(at.bases)
    rows: list[Document] = []
    for one in ids:
        row: Document = {"model": by_id[one]["model"], "model_id": one, "text": told[one]}
        if step == OUTSIDE:
            row["quality"] = by_id[one]["quality"]
        if step == PRACTICE:
            row |= {"memory": by_id[one]["memory"], "measured": at.measured.get(one)}
        rows.append(row)
    result: Document = {"rows": rows}
    if step == OUTSIDE:
        result["dropped"] = _weak(rows)
    if step == TRAINING:
        result["adapters"] = [row for row in at.plan["adapters"]["for"] if row["model_id"] in ids]
    return result


def _filtered(at: Standing) -> Document:
    found = at.found
    rows = [
        {
            "model": row["model"],
            "model_id": row["model_id"],
            "meets_hard_requirements": row["meets_hard_requirements"],
            "missed": [f"{c['requirement']}: {c['figure']}" for c in row["hard"] if c["status"] == "no"],
            "unknown": [
                f"{c['requirement']}: {c['figure']}" for c in row["hard"] if c["status"] == "unknown"
            ],
        }
        for row in (found["current"], *found["candidates"])
    ]
    kept = [row["model_id"] for row in rows[1:] if row["meets_hard_requirements"] != "no"]
    return {"rows": rows, "kept": kept, "computed": found["steps"][0]["computed"]}


def _weak(rows: Sequence[Document]) -> list[Document]:
    """Candidates whose public scores are behind the base's by more than twice the uncertainty of both."""
    base, found = rows[0]["quality"], []
    for row in rows[1:]:
        own = row["quality"]
        spread = (base["spread"] ** 2 + own["spread"] ** 2) ** 0.5
        behind = base["score"] - own["score"]
        if base["measured"] and own["measured"] and behind > 2 * spread:
            why = f"public scores are {behind:.0f} points behind, over twice the uncertainty of {spread:.0f}"
            found.append({"model": row["model"], "model_id": row["model_id"], "why": why})
    return found


def settle(
    at: Standing, step: int, result: Document, *, complete: bool = True, on: date | None = None
) -> None:
    """Puts a step's result into the review."""
    day = min(on or at.day, at.day).isoformat()
    at.review.steps[step] = Kept(on=day, complete=complete, inputs=at.inputs(step), result=result)


def todo_of(step: int) -> str:
    """What is left to a person, as the guide has it."""
    return str(table()["steps"][step - 1]["todo"]) if step <= PRACTICE else ""
