"""One-word critiques of a recommendation, as changes of the needs: smaller, faster, cheaper and the like."""

from __future__ import annotations

from typing import Any

from agent.understanding.types import Critique
from tools.brief import brief_of
from tools.candidates import Candidate
from tools.needs import Budget, LicenseNeed, ModelWish, Needs, Slot
from tools.recommend import rank_for

SMALLER_SHARE = 0.7
LARGER_FACTOR = 1.4
FASTER_FACTOR = 1.5
CHEAPER_SHARE = 0.5


def _top(needs: Needs) -> Candidate | None:
    return next(iter(rank_for(brief_of(needs)).candidates), None)


def apply_critiques(critiques: tuple[Critique, ...], needs: Needs) -> tuple[dict[str, Slot[Any]], list[str]]:
    """Slot updates that some critiques of one answer stand for, and a sentence for each."""
    top = _top(needs)
    updates: dict[str, Slot[Any]] = {}
    said = []
    for critique in critiques:
        more, words = apply_critique(critique, needs.updated(**updates), top)
        updates |= more
        said.append(words)
    return updates, said


def apply_critique(
    critique: Critique, needs: Needs, top: Candidate | None = None
) -> tuple[dict[str, Slot[Any]], str]:
    """Slot updates that a critique stands for, and the sentence that says what was changed.

    Args:
        critique: what is wrong.
        needs: what is known.
        top: the option that is criticized; the first place of the needs where it is not given.
    """
    top = top or _top(needs)
    wish = needs.model.value if needs.model else ModelWish()
    if critique in ("smaller", "larger") and top is not None and top.params_total_b:
        return _of_other_size(critique, top.params_total_b, wish)
    if critique == "faster":
        return _faster(top)
    if critique == "longer_context":
        wanted = 2 * brief_of(needs).context
        return {
            "context": Slot[Any](value=wanted, quote="longer context")
        }, f"Planning {wanted:,} tokens of context."
    if critique == "freer_license":
        now = needs.license.value if needs.license else LicenseNeed(use="commercial")
        free = now.model_copy(update={"permissive_only": True})
        return {
            "license": Slot[Any](value=free, quote="freer license")
        }, "Keeping to Apache-2.0, MIT and BSD licenses."
    if critique == "cheaper" and top is not None and top.usd_per_month:
        limit = round(top.usd_per_month * CHEAPER_SHARE, 2)
        budget = Slot[Any](value=Budget(usd_per_month=limit), quote="cheaper")
        return {"budget": budget}, f"Looking below ${limit:g} a month."
    if critique == "better_quality":
        return {"priority": Slot[Any](value="quality", quote="better quality")}, "Putting quality first."
    if critique == "newer" and top is not None and top.release_date:
        newer = wish.model_copy(update={"newer_than": top.release_date, "named": ()})
        return {"model": Slot[Any](value=newer, quote="newer")}, (
            f"Looking for models released after {top.release_date}."
        )
    if critique in ("other_model", "newer") and top is not None:
        family = str(top.extra.get("family", top.model))
        without = wish.model_copy(update={"excluded": (*wish.excluded, family), "named": ()})
        return {"model": Slot[Any](value=without, quote="another model")}, f"Leaving {family} out."
    if critique == "larger":
        return {"priority": Slot[Any](value="quality", quote="larger")}, "Putting quality first."
    if critique == "smaller":
        return {"priority": Slot[Any](value="small", quote="smaller")}, "Putting a small footprint first."
    return {"priority": Slot[Any](value="cost", quote=critique)}, "Putting cost first."


def _of_other_size(critique: Critique, size_b: float, wish: ModelWish) -> tuple[dict[str, Slot[Any]], str]:
    """A limit clearly below or above the present size, to three digits: an encoder has a hundredth of a
    billion.
    """
    factor, field, other, words = (
        (SMALLER_SHARE, "max_params_b", "min_params_b", "below")
        if critique == "smaller"
        else (LARGER_FACTOR, "min_params_b", "max_params_b", "above")
    )
    limit = float(f"{size_b * factor:.2g}")
    limited = wish.model_copy(update={field: limit, other: None, "named": ()})
    size = f"{limit:g}B" if limit >= 1 else f"{1000 * limit:.3g}M"
    return {"model": Slot[Any](value=limited, quote=critique)}, f"Looking {words} {size} parameters."


def _faster(top: Candidate | None) -> tuple[dict[str, Slot[Any]], str]:
    """Speed first and, where a speed is known, half as fast again as the present choice."""
    updates: dict[str, Slot[Any]] = {"priority": Slot[Any](value="speed", quote="faster")}
    speed = top.configuration.speed if top and top.configuration else None
    if speed is None:
        return updates, "Putting speed first."
    wanted = round(speed.mid * FASTER_FACTOR)
    updates["min_speed"] = Slot[Any](value=float(wanted), quote="faster", strength="wish")
    return updates, f"Putting speed first, {wanted} tokens per second and more."
