"""One-word critiques of a recommendation, as changes of the needs: smaller, faster, cheaper and the like.

A critique that nothing can meet any more changes nothing: the recommendation stands, with the limit and what
could be given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from agent.understanding.types import Critique
from agent.wording import listed, said_words
from tools.brief import brief_of
from tools.candidates import Candidate
from tools.needs import Budget, LicenseNeed, ModelWish, Needs, Slot
from tools.recommend import affordable, recommend

SMALLER_SHARE = 0.7
LARGER_FACTOR = 1.4
FASTER_FACTOR = 1.5
CHEAPER_SHARE = 0.5
JUST = 0.98
"""Share of the present figure that is just better: what is tried where a clear step finds nothing."""
MOST_GIVEN_UP = 3
LOOSENED = ("license", "languages", "features", "context", "concurrency", "min_speed", "model", "budget")
"""Slots that may be what rules out anything better, in the order in which they are given up."""
KEPT: tuple[Critique, ...] = ("freer_license", "better_quality")
"""Critiques that hold from now on, whether they change the first place at once or not."""
Updates = dict[str, Slot[Any]]
Way = tuple[Updates, str]
"""Slot updates, and the sentence that says what was changed."""


@cache
def _words() -> dict[str, dict[str, str]]:
    data = resources.files("agent").joinpath("data/critiques.json").read_bytes()
    rows: dict[str, dict[str, str]] = TypeAdapter(dict[str, Any]).validate_json(data)["rows"]
    return rows


def apply_critiques(critiques: tuple[Critique, ...], needs: Needs) -> tuple[Updates, list[str]]:
    """Slot updates that some critiques of one answer stand for, and a sentence for each.

    Takes some 0.1 s for each critique, because what it leads to is computed.
    """
    top = _top(needs, priced="cheaper" in critiques)
    updates: Updates = {}
    said = []
    for critique in critiques:
        more, words = apply_critique(critique, needs.updated(**updates), top)
        updates |= more
        said.append(words)
    return updates, said


def apply_critique(critique: Critique, needs: Needs, top: Candidate | None = None) -> Way:
    """Slot updates that a critique stands for, none where nothing can meet it, and the sentence that says so.

    Args:
        critique: what is wrong.
        needs: what is known.
        top: the option that is criticized; the first place of the needs where it is not given.
    """
    priced = critique == "cheaper"
    top = top or _top(needs, priced=priced)
    ways = list(_ways(critique, needs, top))
    if top is None:
        return ways[0]
    for updates, words in ways:
        then = _top(needs.updated(**updates), priced=priced)
        new = critique in KEPT and not _said_already(updates, needs)
        if then is not None and (new or _is_better(critique, top, then)):
            return updates, words
    return {}, _limit(critique, needs, ways[-1][0], top)


def _top(needs: Needs, *, priced: bool = False) -> Candidate | None:
    """The first place; with what it costs to run where that is asked for."""
    if priced:
        return next(iter(recommend(needs).candidates), None)
    return next(iter(affordable(needs, brief_of(needs), 4).candidates), None)


def _ways(critique: Critique, needs: Needs, top: Candidate | None) -> Iterator[Way]:
    """What a critique may mean, the clearest step first and the least one last."""
    wish = needs.model.value if needs.model else ModelWish()
    if critique in ("smaller", "larger"):
        yield from _sizes(critique, top, wish)
    elif critique == "faster":
        yield from _faster(top)
    elif critique == "cheaper":
        yield from _cheaper(needs, top)
    elif critique == "longer_context":
        wanted = 2 * brief_of(needs).context
        yield _one("context", wanted, "longer context", f"Planning {wanted:,} tokens of context.")
    elif critique == "freer_license":
        now = needs.license.value if needs.license else LicenseNeed(use="commercial")
        free = now.model_copy(update={"permissive_only": True})
        yield _one("license", free, "freer license", "Keeping to Apache-2.0, MIT and BSD licenses.")
    elif critique == "better_quality":
        yield _one("priority", "quality", "better quality", "Putting quality first.")
    else:
        yield from _others(critique, top, wish)


def _one(slot: str, value: Any, quote: str, words: str) -> Way:  # noqa: ANN401 - the value of any slot
    return {slot: Slot[Any](value=value, quote=quote)}, words


def _sizes(critique: Critique, top: Candidate | None, wish: ModelWish) -> Iterator[Way]:
    """A limit clearly below or above the present size, then just beside it."""
    size_b = top.params_total_b if top is not None else None
    if not size_b:
        size, words = ("small", "a small footprint") if critique == "smaller" else ("quality", "quality")
        yield _one("priority", size, critique, f"Putting {words} first.")
        return
    field, other, beyond, factors = (
        ("max_params_b", "min_params_b", "below", (SMALLER_SHARE, JUST))
        if critique == "smaller"
        else ("min_params_b", "max_params_b", "above", (LARGER_FACTOR, 1 / JUST))
    )
    for factor in factors:
        # To two digits: an encoder has a hundredth of a billion.
        limit = float(f"{size_b * factor:.2g}") if factor == factors[0] else round(size_b * factor, 4)
        limited = wish.model_copy(update={field: limit, other: None, "named": ()})
        size = f"{limit:.3g}B" if limit >= 1 else f"{1000 * limit:.3g}M"
        yield _one("model", limited, critique, f"Looking {beyond} {size} parameters.")


def _faster(top: Candidate | None) -> Iterator[Way]:
    """Speed first and, where a speed is known, half as fast again as the present choice."""
    first: Updates = {"priority": Slot[Any](value="speed", quote="faster")}
    speed = top.configuration.speed if top and top.configuration else None
    if speed is None:
        yield first, "Putting speed first."
        return
    # A wish may leave the first place to a slower and better model; as a must it decides.
    for factor, strength in ((FASTER_FACTOR, "wish"), (1 / JUST, "must")):
        wanted = round(speed.mid * factor)
        least = Slot[Any].model_validate({"value": float(wanted), "quote": "faster", "strength": strength})
        yield first | {"min_speed": least}, f"Putting speed first, {wanted} tokens per second and more."


def _cheaper(needs: Needs, top: Candidate | None) -> Iterator[Way]:
    """Half the bill of an API; on a machine of one's own cost first, and then less than it takes now."""
    usd, api = top.usd_per_month if top else None, top is not None and top.kind == "api"
    already = needs.priority is not None and needs.priority.value == "cost"
    if not api and not already:
        yield _one("priority", "cost", "cheaper", "Putting cost first.")
    if not usd:
        if already:
            yield _one("priority", "cost", "cheaper", "Putting cost first.")
        return
    before = needs.budget.value if needs.budget else Budget()
    for share in (CHEAPER_SHARE, JUST):
        limit = round(usd * share, 2 if usd >= 1 else 4)
        budget = before.model_copy(update={"usd_per_month": limit})
        yield _one("budget", budget, "cheaper", f"Looking below ${limit:g} a month.")


def _others(critique: Critique, top: Candidate | None, wish: ModelWish) -> Iterator[Way]:
    """A newer model, or one of another family."""
    if top is None:
        yield _one("priority", "balanced", critique, "Weighing quality and speed alike.")
        return
    if critique == "newer" and top.release_date:
        newer = wish.model_copy(update={"newer_than": top.release_date, "named": ()})
        yield _one("model", newer, "newer", f"Looking for models released after {top.release_date}.")
        return
    family = str(top.extra.get("family", top.model))
    without = wish.model_copy(update={"excluded": (*wish.excluded, family), "named": ()})
    yield _one("model", without, "another model", f"Leaving {family} out.")


def _said_already(updates: Updates, needs: Needs) -> bool:
    """Whether all that a critique stands for was said before."""
    now = {slot: getattr(needs, slot) for slot in updates}
    return all(now[slot] is not None and now[slot].value == filled.value for slot, filled in updates.items())


def _mid(candidate: Candidate) -> float:
    c = candidate.configuration
    return c.speed.mid if c is not None and c.speed is not None else 0.0


def _is_better(critique: Critique, now: Candidate, then: Candidate) -> bool:
    """Whether another first place meets a critique of the present one; unknown figures decide nothing."""
    same = (now.kind, now.model_id, now.model) == (then.kind, then.model_id, then.model)
    if critique in ("smaller", "larger") and now.params_total_b and then.params_total_b:
        grows = then.params_total_b - now.params_total_b
        return grows < 0 if critique == "smaller" else grows > 0
    if critique == "faster" and _mid(now) and _mid(then):
        return _mid(then) > _mid(now)
    if critique == "cheaper" and now.usd_per_month and then.usd_per_month:
        return then.usd_per_month < now.usd_per_month
    return not same if critique in (*KEPT, "other_model") else True


def _limit(critique: Critique, needs: Needs, tried: Updates, top: Candidate) -> str:
    """That a critique cannot be met, and what could be given up for it."""
    row = _words()[critique]
    none = _top(needs.updated(**tried)) is None
    limit = row["none" if none and "none" in row else "limit"]
    limit = limit.format(model=top.model, figure=_figure(critique, needs, top))
    found = _given_up(critique, needs, tried, top)
    return f"{limit} What could be given up: {listed(found)}." if found else f"{limit} {row['left']}"


def _figure(critique: Critique, needs: Needs, top: Candidate) -> str:
    """The present figure of what is criticized, in brackets."""
    size, usd = top.params_total_b, top.usd_per_month
    if critique in ("smaller", "larger") and size:
        return f" ({size:.3g}B parameters)" if size >= 1 else f" ({1000 * size:.3g}M parameters)"
    if critique == "faster" and _mid(top):
        return f" (about {_mid(top):.0f} tokens per second)"
    if critique == "cheaper" and usd:
        return f" (about ${usd:,.2f} a month)"
    if critique == "longer_context":
        return f" ({brief_of(needs).context:,} tokens)"
    if critique == "freer_license":
        return f" ({top.license.id})"
    if critique == "newer" and top.release_date:
        return f" (released {top.release_date})"
    return ""


def _given_up(critique: Critique, needs: Needs, tried: Updates, top: Candidate) -> list[str]:
    """Needs that were said without which the critique could be met, each with the model it leads to."""
    found: list[str] = []
    for slot in LOOSENED:
        filled = getattr(needs, slot)
        if filled is None or (slot in tried and slot != "model"):
            continue
        loose = needs.updated(**{slot: None}, **{s: v for s, v in tried.items() if s != slot})
        if slot == "model":
            wish, said = tried["model"].value if "model" in tried else ModelWish(), filled.value
            if (said.excluded, said.excluded_places, said.places) == ((), (), ()) and not said.families:
                continue
            free = {"excluded": (), "excluded_places": (), "places": (), "families": ()}
            loose = loose.updated(model=filled.model_copy(update={"value": wish.model_copy(update=free)}))
        then = _top(loose, priced=critique == "cheaper")
        if then is not None and _is_better(critique, top, then):
            words = said_words(slot, filled) or slot.replace("_", " ")
            found.append(f"{words} (then {then.model})")
        if len(found) == MOST_GIVEN_UP:
            break
    return found
