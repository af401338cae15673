"""A kept review as a document: what is done, what comes next, what a person has to do and until when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knowledge.errors import AdvisorError
from tools.citing import plan_citations
from tools.commands.facts import with_facts
from tools.planning.base_review import table
from tools.reviews.state import Kept, usual_name
from tools.reviews.steps import ASKING, DECISION, OWN_TASKS, PRACTICE, STEPS, TRAINING, Standing, todo_of

Document = dict[str, Any]
FORMAT = 1
UNTIL_SWITCH = frozenset({"test", "convert", "retrain", "update"})
"""Steps of a change that have to be done by the switch."""
TRAIN = "on the base too; then name them with --tuned NAME=MODEL"


def review_document(at: Standing, *, ran: Document | None = None, offline: bool = False) -> Document:
    """The document of a review.

    Args:
        at: the review on its day.
        ran: what this call did, if anything.
        offline: only steps without a server count as next.
    """
    review = at.review
    decision = review.steps.get(DECISION)
    document: Document = {
        "format": FORMAT,
        "review": review.name,
        "model": at.plan["model"],
        "model_id": review.base,
        "began": review.began,
        "changed": review.changed,
        "day": at.day.isoformat(),
        "settings": {"plan": review.request, "asking": review.asking.model_dump()},
        "bases": _bases(at),
        "steps": [_step(at, step) for step in STEPS],
        "ran": ran,
        "interrupted": ran is not None and ran["interrupted"],
        "next": _next(at, offline=offline),
        "decision": None if decision is None else {**decision.result, "on": decision.on},
        "todo": _todo(at),
        "calendar": at.plan["calendar"],
        "caveats": _caveats(at),
        "citations": plan_citations("migration"),
    }
    with_facts(document)
    if ran is not None and ran["error"] is not None:
        document["error"] = ran["error"]
    return document


def _bases(at: Standing) -> list[Document]:
    """Base and candidates, and whether they are still in."""
    found = at.review.steps.get(1)
    if found is None:
        return []
    weak = at.review.steps.get(2)
    gone = {row["model_id"]: row["why"] for row in weak.result["dropped"]} if weak is not None else {}
    asked = {one.model_id: one.served_as for one in at.contenders(OWN_TASKS)}
    rows = []
    for row in found.result["rows"]:
        name, base = row["model_id"], row["model_id"] == at.review.base
        why = "; ".join(row["missed"]) if not base and row["missed"] else gone.get(name)
        rows.append(
            {
                "model": row["model"],
                "model_id": name,
                "role": "base" if base else "candidate",
                "left_out": why,
                "served_as": asked.get(name),
                "tuned_as": at.review.asking.tuned.get(name),
            }
        )
    return rows


def _step(at: Standing, step: int) -> Document:
    state, why = at.state(step)
    kept, mark = at.review.steps.get(step), at.review.marks.get(step)
    return {
        "step": step,
        "name": "decide" if step == DECISION else table()["steps"][step - 1]["name"],
        "state": state,
        "why": list(why),
        "on": None if kept is None else kept.on,
        "old": at.old(step),
        "computed": _told(at, step, kept),
        "result": None if kept is None else kept.result,
        "asks_models": step in ASKING,
        "to_do": todo_of(step) or None,
        "open_for_you": _open_part(step, kept) and mark is None,
        "done_by_you": None if mark is None else mark.model_dump(),
    }


def _open_part(step: int, kept: Kept | None) -> bool:
    """Whether a step says little without what a person does: training, and the weakest laptop."""
    return step == PRACTICE or (step == TRAINING and (kept is None or not kept.result.get("measured")))


def _told(at: Standing, step: int, kept: Kept | None) -> list[str]:
    """What a step brought, as sentences."""
    if kept is None:
        return []
    result = kept.result
    if step == DECISION:
        return [result["text"]]
    lines = list(result.get("computed", ()))
    if step == 1 and at.query.candidates is None:
        lines += [
            f"{row['model']}: {'; '.join(row['unknown'])} not known"
            for row in result["rows"]
            if row["unknown"]
        ]
    lines += [row["text"] for row in result.get("rows", ()) if "text" in row]
    lines += [f"{row['model']} is left out: {row['why']}" for row in result.get("dropped", ())]
    lines += [_measured(row, tuned=step == TRAINING) for row in result.get("measured", ())]
    lines += [_practice(row) for row in result.get("rows", ()) if row.get("measured")]
    return lines


def _measured(row: Mapping[str, Any], *, tuned: bool) -> str:
    who = f"{row['model']}{' with its test adapter' if tuned else ''} ({row['served_as']})"
    if row["pass_rate"] is None:
        return f"{who}: not measured; {(row['error'] or {}).get('message', 'interrupted')}"
    low, high = (100 * row["interval_95"][end] for end in ("low", "high"))
    text = (
        f"{who}: {row['passed']:,} of {row['answers']:,} passed, {100 * row['pass_rate']:.0f} %, "
        f"95 % interval {low:.0f} to {high:.0f} %"
    )
    if not tuned:  # the guide's thresholds are of untuned models
        text += f"; {row['verdict']['text']}"
    if row.get("replaced"):
        text += f"; {row['replaced']:,} of them by an earlier model of that name, see --again"
    return text if row["complete"] else f"{text}; {row['missing']:,} are missing"


def _practice(row: Mapping[str, Any]) -> str:
    found = row["measured"]
    speed, first = found["tokens_per_second"], found["first_token_s"]["mid"]
    told = f"first token after {first:.2g} s with {found['prompt_tokens']:,} tokens"
    if speed is not None:
        told = f"{speed['mid']:.1f} tok/s, {told}"
    held = (found["memory_bytes"] or 0) + (found["host_memory_bytes"] or 0)
    memory = f", {held / (1 << 30):.1f} GiB" if held else ""
    quant = f" {found['quant']}" if found["quant"] else ""
    return f"{row['model']}{quant}: measured here on {found['on']}: {told}{memory}"


def _next(at: Standing, *, offline: bool) -> Document:
    """What the next call does, or what it waits for."""
    step = at.next_step(offline=offline)
    waits = [f"step {one}: {'; '.join(at.state(one)[1])}" for one in STEPS if at.state(one)[0] == "waiting"]
    waits += [
        f"step {one}: --offline forbids the model servers"
        for one in STEPS
        if offline and at.runs(one, offline=False) and not at.runs(one, offline=True)
    ]
    command = f"llm-advisor plan migration {at.review.base} --run"
    if at.review.name != usual_name(at.plan["model"]):
        command += f" --review {at.review.name}"
    command += " --offline" if offline else ""
    found: Document = {"step": step, "command": command, "estimate": None, "models": [], "waiting": waits}
    if step in ASKING:
        assert step is not None
        found["models"] = [one.served_as for one in at.contenders(step)]
        try:
            found["estimate"] = estimate = at.estimate(step)
            if estimate is not None:
                found["models"] = estimate["asks"]
        except AdvisorError as error:
            found["waiting"].append(f"step {step}: {error.message}")
    return found


def _todo(at: Standing) -> list[Document]:
    """A person's own work with its days: of the steps until announced, of a change until the switch."""
    calendar = at.plan["calendar"] or {}
    announce, switch, ends = (calendar.get(key) for key in ("announce_by", "switch", "fallback_ends"))
    rows = []
    for step in STEPS[:-1]:
        if step not in at.review.marks and at.state(step)[0] != "needless" and not _answered(at, step):
            what = todo_of(step)
            if step == TRAINING and at.candidates and not at.review.asking.tuned:
                what = f"{what}; {TRAIN}"
            rows.append(_work(f"step {step}", what, announce, at))
    decision = at.review.steps.get(DECISION)
    if decision is None or decision.result["change"] == "no":
        return rows
    for row in table()["process"]:
        key = row["key"]
        if key == "announce":
            rows.append(_work("change", f"{row['name']}: {row['todo']}", announce, at))
        elif key in UNTIL_SWITCH:
            own = _computed(at, row["step"], decision.result["best"]) if key == "retrain" else ""
            rows.append(_work("change", f"{row['name']}: {row['todo']}{own}", switch, at))
        elif key == "fallback":
            rows.append(_work("change", f"{row['name']}: {row['todo']}", ends, at))
    return rows


def _answered(at: Standing, step: int) -> bool:
    """Whether models have answered all that a step asks, so that nothing of it is left to a person."""
    kept = at.review.steps.get(step)
    return at.state(step)[0] == "done" and kept is not None and bool(kept.result.get("measured"))


def _computed(at: Standing, step: int, best: str | None) -> str:
    """What a step of the change takes for the base that is changed to."""
    row = next(each for each in at.plan["process"] if each["step"] == step)
    own = [text for text in row["computed"] if best is not None and text.startswith(f"{best}: ")]
    return f" ({'; '.join(own)})" if own else ""


def _work(of: str, what: str, by: str | None, at: Standing) -> Document:
    return {"of": of, "what": what, "by": by, "late": by is not None and by < at.day.isoformat()}


def _caveats(at: Standing) -> list[str]:
    told = []
    old = [str(step) for step in STEPS if at.old(step)]
    if old:
        which = f"Step {old[0]} is" if len(old) == 1 else f"Steps {', '.join(old)} are"
        told.append(f"{which} more than six months old: --run --again {old[0]} does it anew.")
    for step in STEPS:
        state, why = at.state(step)
        if state == "partly" and step == OWN_TASKS:
            told.append(
                "While step 3 cannot be finished, --run --offline does the steps that need no server."
            )
        if state == "changed":
            told.append(f"Step {step} is out of date: {', '.join(why)}. --run does it anew.")
    if at.plan["calendar"] is None:
        told.append("No day of the switch was given, so nothing has a date: --switch-date DATE.")
    elif at.plan["calendar"]["announcement_is_late"]:
        earliest = at.plan["calendar"]["earliest_switch_from_today"]
        told.append(
            f"The day to announce is past; a semester from today makes {earliest} the earliest switch."
        )
    return told
