"""What a recommendation made anew changes against the last one, in one line."""

from __future__ import annotations

from typing import cast

from agent.explanation import beside_before
from agent.state import Outcome, State, is_answered, needs_of
from agent.wording import engine_name
from knowledge.errors import AdvisorError
from tools.brief import Brief, brief_of
from tools.budget import GIB
from tools.candidates import Candidate, Recommendation
from tools.commands.lookups import any_model_named
from tools.needs import Needs
from tools.recommend import recommend
from tools.versus import advantage, standing_of


def told_changes(
    state: State,
    outcome: Outcome,
    needs: Needs,
    found: Recommendation,
    before: Recommendation | None,
    *,
    remarked: bool,
) -> str:
    """What is otherwise than in the recommendation before this turn; empty where there was none.

    Args:
        state: the conversation.
        outcome: what the turn comes to, with what a measurement decided.
        needs: what this recommendation is for.
        found: this one.
        before: the last one, where something else than the needs has changed since.
        remarked: something is said first, so that the needs have changed.
    """
    if before is not None:
        decided = outcome.get("decided", "")
        stays = [c.model for c in before.candidates] == [c.model for c in found.candidates]
        if decided and stays:
            return decided
        return f"{decided} {shifted_from(before.candidates, needs, found)}".strip()
    supposed = bool(outcome.get("hypothetical"))
    if not (remarked or supposed) or not is_answered(state):
        return ""
    moments = state.get("earlier", [])
    back = cast("State", moments[-1]["state"]) if moments and not supposed else state
    return shifted(needs_of(back), needs, found, supposed=supposed)


def shifted(before: Needs, now: Needs, found: Recommendation, *, supposed: bool = False) -> str:
    """One line on the first choice against the one before, with the reason as the tools have it.

    Takes some 0.1 s.

    Args:
        before: the needs of the last recommendation.
        now: the needs of this one.
        found: this one.
        supposed: it is of a what-if.
    """
    try:
        last = recommend(before).candidates
    except AdvisorError:
        return ""
    return shifted_from(last, now, found, supposed=supposed)


def shifted_from(
    last: tuple[Candidate, ...], now: Needs, found: Recommendation, *, supposed: bool = False
) -> str:
    """The same against options that were computed before, where other things than needs have changed.

    Args:
        last: the options of the last recommendation, best first.
        now: the needs of this one.
        found: this one.
        supposed: it is of a what-if.
    """
    places = beside_before([c.model for c in last], [c.model for c in found.candidates], supposed=supposed)
    if not places:
        return "" if not last or found.candidates else f"{last[0].model} was first; nothing fits any more."
    old, new = last[0], found.candidates[0]
    if old.model != new.model:
        return places.removesuffix(".") + _because(old, new, found, brief_of(now))
    return places.removesuffix(".") + (_plan(old, new) or _others(last, found.candidates))


def _because(old: Candidate, new: Candidate, found: Recommendation, brief: Brief) -> str:
    """Why the former first place is not the first any more."""
    still = next((c for c in found.candidates if c.model == old.model and c.kind == old.kind), None)
    reason = next((r.reason for r in found.rejected if r.model_id == old.model_id and r.model_id), "")
    if still is None and not reason and old.model_id is not None:
        try:
            standing = standing_of(any_model_named(old.model_id)[0], brief)
        except AdvisorError:
            return "."
        still, reason = standing.option, standing.reason
    if still is None:
        return f": {old.model} {_joined(reason)}." if reason else "."
    speaks = advantage(new, still, brief)
    return f": {speaks}." if speaks else "."


def _joined(reason: str) -> str:
    """A reason behind the model's name: `needs 20 GiB` as it is, a clause of its own after `is out`."""
    return (
        reason.rstrip(".")
        if reason.startswith(("needs ", "does ", "has "))
        else f"is out, {reason.rstrip('.')}"
    )


def _plan(old: Candidate, new: Candidate) -> str:
    """What is otherwise about a model that stays first."""
    was, now = old.configuration, new.configuration
    if was is None or now is None:
        return ""
    parts = []
    if was.engine != now.engine:
        here, there = engine_name(now.engine), engine_name(was.engine)
        parts.append(f"as {now.quant} on {here}, not {was.quant} on {there}")
    elif was.quant != now.quant:
        parts.append(f"as {now.quant}, not {was.quant}")
    if was.context != now.context:
        parts.append(f"with {now.context:,} tokens of context, not {was.context:,}")
    if was.parallel != now.parallel:
        parts.append(f"for {now.parallel} at once, not {was.parallel}")
    if now.speed is not None and was.speed is not None and now.speed.here != was.speed.here:
        parts.append(f"at {now.speed.mid:.0f} tokens per second, not {was.speed.mid:.0f}")
    takes, took = (c.memory.total_bytes if c.memory is not None else 0 for c in (now, was))
    if takes and took and abs(takes - took) >= GIB / 10:
        parts.append(f"in {takes / GIB:.1f} GiB, not {took / GIB:.1f}")
    return f", {', '.join(parts)}." if parts else ""


def _others(old: tuple[Candidate, ...], new: tuple[Candidate, ...]) -> str:
    """What is otherwise behind the first place."""
    was, now = [c.model for c in old[1:]], [c.model for c in new[1:]]
    if was == now:
        return ", and so do the others."
    came, gone = [m for m in now if m not in was], [m for m in was if m not in now]
    parts = [f"new behind it: {', '.join(came)}"] if came else []
    joined = ", ".join(now)
    parts += [f"no longer: {', '.join(gone)}"] if gone else []
    return f"; {'; '.join(parts or [f'behind it now {joined}'])}."
