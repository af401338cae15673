"""What the tools tell of the options beside the first: the runners-up, a family, a larger or smaller one."""

from __future__ import annotations

from dataclasses import replace

from agent.answers import TELLERS, Teller
from agent.api_options import api_reply, first_api
from agent.reply import Reply
from agent.state import State
from agent.topics import topic_data
from agent.understanding import Understanding
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.candidates import evidence_json
from tools.memory.types import Evidence
from tools.needs import ModelWish
from tools.recommend import rank_for
from tools.roles.common import Ranked

MOST_MODELS = 4
SIZE_TOLERANCE = 0.08
"""How far from a named size (`70B`) a model may be."""


def by_names(names: list[str]) -> list[ModelRecord]:
    """The models of the catalog that are named; unknown names are left out."""
    catalog = load_catalog()
    by_name = {m.name: m for m in catalog.models}
    found = [by_name.get(n) or catalog.by_id.get(n.lower()) for n in names]
    return [m for m in found if m is not None]


def each_told(teller: Teller, models: list[ModelRecord], brief: Brief) -> Reply:
    """Each model in a sentence or two, from the tools."""
    lines, citations = [], []
    for model in models[:MOST_MODELS]:
        text, evidence = teller(model, brief)
        lines.append(f"- **{model.name}**: {text}" if len(models) > 1 else f"**{model.name}**: {text}")
        citations += [row for row in (evidence_json(e) for e in evidence) if row not in citations]
    return Reply("\n".join(lines), citations)


def wish_of(read: Understanding) -> ModelWish | None:
    """The family or size that a question names instead of a model."""
    sizes = read.mentions.sizes_b
    if not read.mentions.families and not sizes:
        return None
    return ModelWish(
        families=read.mentions.families,
        min_params_b=min(sizes) * (1 - SIZE_TOLERANCE) if sizes else None,
        max_params_b=max(sizes) * (1 + SIZE_TOLERANCE) if sizes else None,
    )


def other_size(state: State, *, larger: bool) -> ModelWish | None:
    """Models clearly larger or smaller than the one recommended; nothing where its size is not known."""
    first = next(iter(by_names(state.get("last", [])[:1])), None)
    if first is None or first.params_b is None:
        return None
    if larger:
        return ModelWish(min_params_b=first.params_b * (1 + SIZE_TOLERANCE))
    return ModelWish(max_params_b=first.params_b * (1 - SIZE_TOLERANCE))


def _words_of(wish: ModelWish) -> str:
    """A family or a size in words."""
    least, most = wish.min_params_b, wish.max_params_b
    if wish.families:
        return " or ".join(wish.families)
    if least is not None and most is not None:
        return f"about {(least + most) / 2:g}B"
    return f"{least:.3g}B parameters or more" if least is not None else f"{most:.3g}B parameters or fewer"


def others(brief: Brief) -> Reply | None:
    """What speaks against the runners-up, and what rules the nearest of the rest out."""
    ranked = rank_for(brief)
    runners_up = by_names([str(c.model_id) for c in ranked.candidates[1:]])
    if not runners_up:
        return None
    told = each_told(TELLERS["why_not"], runners_up, brief)
    nearest = [r for r in ranked.rejected if r.model_id is not None][:MOST_MODELS]
    out = "\n".join(f"- **{r.model}**: {r.reason}" for r in nearest)
    citations = [evidence_json(Evidence("tool", "fit", str(r.model_id))) for r in nearest]
    text = f"{told.text}\n\nRuled out:\n{out}" if nearest else told.text
    return Reply(text, told.citations + citations)


def best_of(wish: ModelWish, brief: Brief) -> Reply:
    """Why the best model of a family or size is not the first choice."""
    what = _words_of(wish)
    closed = any(family in topic_data()["api_only"] for family in wish.families)
    local = (
        Ranked() if closed or brief.machine is None else rank_for(replace(brief, wish=wish, mode="local"), 1)
    )
    if local.candidates:
        return each_told(TELLERS["why_not"], by_names([str(local.candidates[0].model_id)]), brief)
    remote = first_api(replace(brief, wish=wish))
    if remote is not None:
        return api_reply(remote, brief)
    nearest = next((r for r in local.rejected if r.model_id is not None), None)
    if nearest is None:
        return Reply(f"I know of no model of {what} for this.", found=False)
    evidence = evidence_json(Evidence("tool", "fit", str(nearest.model_id)))
    return Reply(f"None of {what} qualifies. The nearest, **{nearest.model}**: {nearest.reason}.", [evidence])
