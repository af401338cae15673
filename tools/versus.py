"""Why one option comes before another for some needs: one paragraph from the parts of both scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from knowledge.catalog.records import ApiModel, ModelRecord
from tools.brief import Brief
from tools.budget import GIB
from tools.candidates import Candidate, Reason, Rejected
from tools.hardware_types import Machine
from tools.measured_choice import measured_advantage
from tools.memory.types import Evidence
from tools.needs import ModelWish, Role, Task
from tools.recommend import rank_for
from tools.roles.common import cautious, license_score, license_verdict, local_candidate
from tools.task_mix import quality_for, task_words
from tools.utility import PARTS, Scores, context_score, is_tie, table, utility

WORTH = 0.25
"""Points of the score below which a part does not separate two options."""
ROLES: dict[str, tuple[Role, Task]] = {
    "embedding": ("embedder", "embedding"),
    "reranker": ("reranker", "reranking"),
    "encoder": ("classifier", "classification"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A named model under some needs: the option it is, or why it is none."""

    name: str
    option: Candidate | None
    reason: str = ""


def standing_of(model: ModelRecord | ApiModel, brief: Brief) -> Standing:
    """How a model stands for the needs, as if it alone had been asked for."""
    if isinstance(model, ApiModel):
        name, key = model.key, model.key
        if brief.private:
            return Standing(name, None, "it runs behind an API, and nothing may leave your machines")
        brief = replace(brief, mode="api")
    else:
        name, key = model.name, model.id
        role, task = ROLES.get(model.kind, (brief.role, brief.task))
        brief = replace(brief, mode="local", role=role, task=task)
        if brief.machine is None:
            return Standing(name, _anywhere(model, brief))
    ranked = rank_for(replace(brief, wish=ModelWish(named=(key,))), 2)
    option = next((c for c in ranked.candidates if c.model_id == key), None)
    if option is not None:
        return Standing(name, option)
    refused: Rejected | None = next((r for r in ranked.rejected if r.model_id == key), None)
    return Standing(name, None, refused.reason if refused is not None else "it is no option for these needs")


def _anywhere(model: ModelRecord, brief: Brief) -> Candidate:
    """A model by what does not depend on a machine: quality, window, license, where it can be had."""
    quality, verdict = quality_for(model.id, brief.tasks), license_verdict(model, brief)
    support = 100.0 if model.ollama_tag else 90.0 if model.gguf_repo or model.gguf_available else 50.0
    scores = Scores(
        quality=cautious(quality),
        speed=0.0,
        context=context_score(model.context_length, brief.context),
        memory=0.0,
        license=license_score(verdict),
        support=support,
    )
    nowhere = local_candidate(model, Machine("any machine"), brief.role, None, quality, verdict)
    return replace(nowhere, scores=scores, utility=utility(brief.priority, scores))


def versus(standings: list[Standing], brief: Brief) -> Reason | None:
    """One paragraph: which of the models comes first for the needs, and why; None where none is an option.

    Args:
        standings: the models that are compared.
        brief: the needs.
    """
    options = sorted((s.option for s in standings if s.option is not None), key=lambda c: -c.utility)
    if not options:
        return None
    best, *others = options
    sentences = [_opening(best, others[0] if others else None, brief)]
    evidence = [Evidence("tool", "utility", "tools/data/utility.json"), *best.quality.basis[:2]]
    if others:
        sentences += _difference(best, others[0], brief)
        evidence += others[0].quality.basis[:2]
    for other in others[1:]:
        sentences.append(f"Then comes {other.model}.")
    out = [f"{s.name} is out: {s.reason}." for s in standings if s.option is None]
    return Reason(" ".join(sentences + out), tuple(dict.fromkeys(evidence)))


def _opening(best: Candidate, second: Candidate | None, brief: Brief) -> str:
    machine = ""
    if best.kind == "local":
        machine = f" on {brief.machine.name}" if brief.machine is not None else ", wherever they run,"
    needs = (
        f"For {task_words(brief.tasks)}{machine} with {brief.context:,} tokens, at {brief.priority} priority,"
    )
    if second is None:
        return f"{needs} {best.model} is the only option of these."
    whole = best.kind == "api" or best.configuration is not None
    points = f" ({best.utility:.0f} against {second.utility:.0f} of 100)" if whole else ""
    return f"{needs} {best.model} comes before {second.model}{points}."


def _difference(best: Candidate, other: Candidate, brief: Brief) -> list[str]:
    """What speaks for the first, what against it, and whether the gap is more than the uncertainty."""
    if best.scores is None or other.scores is None:
        return []
    weights = table()["weights"][brief.priority]
    gaps = {
        name: weights[name] * (getattr(best.scores, name) - getattr(other.scores, name)) for name in PARTS
    }
    order = sorted(PARTS, key=lambda name: -abs(gaps[name]))
    ahead = [_WORDS[name](best, other) for name in order if gaps[name] >= WORTH]
    behind = [_WORDS[name](other, best) for name in order if gaps[name] <= -WORTH]
    ahead += [f"of {other.model}, {why}" for why, points in other.scores.adjustments if points <= -WORTH]
    behind += [f"of {best.model}, {why}" for why, points in best.scores.adjustments if points <= -WORTH]
    found = []
    if ahead:
        found.append(f"For it speak: {'; '.join(ahead)}.")
    if behind:
        found.append(f"For {other.model} speak: {'; '.join(behind)}.")
    if is_tie(brief.priority, best.utility - other.utility, best.quality.spread, other.quality.spread):
        found.append("The gap is within the uncertainty of the qualities: take it as a tie.")
    return found


def advantage(best: Candidate, other: Candidate, brief: Brief) -> str:
    """What counts most for one option against another, in a few words; empty where the parts do not say."""
    if measured := measured_advantage(best.model_id, other.model_id, brief):
        return measured
    if best.scores is None or other.scores is None:
        return ""
    weights = table()["weights"][brief.priority]
    gaps = {
        name: weights[name] * (getattr(best.scores, name) - getattr(other.scores, name)) for name in PARTS
    }
    name = max(PARTS, key=lambda part: gaps[part])
    return _WORDS[name](best, other) if gaps[name] >= WORTH else ""


def _quality(mine: Candidate, its: Candidate) -> str:
    a, b = mine.quality, its.quality
    if a.score - b.score < 0.5:
        return f"its quality is surer (give or take {a.spread:.0f} against {b.spread:.0f} points)"
    return (
        f"expected quality {a.score:.0f} against {b.score:.0f} of 100 "
        f"(give or take {a.spread:.0f} and {b.spread:.0f})"
    )


def _speed(mine: Candidate, its: Candidate) -> str:
    a, b = (c.configuration.speed if c.configuration else None for c in (mine, its))
    if a is None or b is None:
        return "it answers faster"
    return f"about {a.mid:.0f} against {b.mid:.0f} tokens per second"


def _memory(mine: Candidate, its: Candidate) -> str:
    if not mine.used_bytes or not its.used_bytes:
        return "it leaves more memory free"
    return f"{mine.used_bytes / GIB:.1f} against {its.used_bytes / GIB:.1f} GiB of memory"


def _context(mine: Candidate, its: Candidate) -> str:
    if not mine.context_length or not its.context_length:
        return "a longer window"
    return f"a window of {mine.context_length:,} against {its.context_length:,} tokens"


def _license(mine: Candidate, its: Candidate) -> str:
    return f"a freer license ({mine.license.id} against {its.license.id})"


def _support(mine: Candidate, its: Candidate) -> str:
    return "it is easier to get and to run"


def _cost(mine: Candidate, its: Candidate) -> str:
    a, b = mine.usd_per_month, its.usd_per_month
    if a is None or b is None:
        return "a smaller bill"
    return f"${a:,.2f} against ${b:,.2f} a month"


_WORDS: dict[str, Callable[[Candidate, Candidate], str]] = {
    "quality": _quality,
    "speed": _speed,
    "context": _context,
    "memory": _memory,
    "license": _license,
    "support": _support,
    "cost": _cost,
}
assert set(_WORDS) == set(PARTS)
