"""How an option's score comes about: each part with its weight, its inputs in words, and their sources."""

from __future__ import annotations

from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import GIB
from tools.candidates import Candidate, Configuration, ScorePart
from tools.memory.types import Evidence
from tools.quant_loss import loss_evidence
from tools.utility import PARTS, table

WEIGHTS = "tools/data/utility.json"
GRADES = {
    "exact": "scores of this exact model",
    "vendor": "its maker's own scores",
    "sibling": "scores of its kin",
    "expected": "no score, expected",
}


def score_parts(candidate: Candidate, brief: Brief) -> tuple[ScorePart, ...]:
    """The parts that add up to the option's score; empty for a role with another measure."""
    scores = candidate.scores
    if scores is None:
        return ()
    weights = table()["weights"][brief.priority]
    told = _inputs(candidate, brief)
    parts = []
    for name in PARTS:
        value, weight = float(getattr(scores, name)), float(weights[name])
        parts.append(ScorePart(name, value, weight, weight * value, *told[name]))
    source = (Evidence("catalog", "what is added and taken off, and why", WEIGHTS),)
    parts += [
        ScorePart("added" if points > 0 else "taken off", None, None, points, why, source)
        for why, points in scores.adjustments
    ]
    return tuple(parts)


def _inputs(candidate: Candidate, brief: Brief) -> dict[str, tuple[str, tuple[Evidence, ...]]]:
    """What each part was computed from, in words, with its sources."""
    c = candidate.configuration
    catalog = (Evidence("catalog", "model catalog", str(candidate.model_id)),)
    return {
        "quality": _quality(candidate),
        "speed": _speed(c, brief),
        "context": (_window(candidate, c), catalog),
        "memory": _memory(c, brief),
        "license": (
            f"{candidate.license.id}, commercial use: {candidate.license.commercial_use}",
            (Evidence("catalog", "license table", candidate.license.id),),
        ),
        "support": (_support(candidate), catalog),
        "cost": _cost(candidate, brief),
    }


def _quality(candidate: Candidate) -> tuple[str, tuple[Evidence, ...]]:
    q = candidate.quality
    caution = float(table()["caution"][q.grade]) * q.spread
    loss = f", less {q.loss:.1f} for the quantization" if q.loss else ""
    words = f"{q.score + q.loss:.1f} expected, less {caution:.1f} for uncertainty ({GRADES[q.grade]}){loss}"
    return "; ".join((words, *q.doubts)), (*q.basis, *_losses(candidate))


def _losses(candidate: Candidate) -> tuple[Evidence, ...]:
    """Where the loss of the quantization that was taken off comes from."""
    c, model = candidate.configuration, load_catalog().model(candidate.model_id or "")
    if c is None or model is None or not candidate.quality.loss:
        return ()
    return loss_evidence(model, c.quant, c.kv_cache_type)


def _speed(c: Configuration | None, brief: Brief) -> tuple[str, tuple[Evidence, ...]]:
    if c is None or c.speed is None:
        return "not known: taken as usual, or by its size", (Evidence("tool", "estimate_speed", "unknown"),)
    words = f"about {c.speed.mid:.0f} tokens per second, {brief.min_speed:g} wanted"
    words += f" ({c.speed.note})" if c.speed.note else ""
    return words, (Evidence("tool", "estimate_speed", c.speed.basis),)


def _window(candidate: Candidate, c: Configuration | None) -> str:
    window = candidate.context_length
    if window is None or c is None:
        return "its window is not known"
    needed = c.context if candidate.kind == "local" else None
    return f"window {window:,} tokens" + (f", {needed:,} planned" if needed else "")


def _memory(c: Configuration | None, brief: Brief) -> tuple[str, tuple[Evidence, ...]]:
    if c is None or c.memory is None:
        return "none of yours", (Evidence("tool", "estimate_memory", "runs at a provider"),)
    enough = float(table()["enough_free_share"][brief.priority])
    used, there = c.memory.total_bytes / GIB, c.available_bytes / GIB
    words = f"{used:.1f} of {there:.1f} GiB used; full marks from {enough:.0%} free"
    if c.spills:
        words = f"{used:.1f} of {there:.1f} GiB used, the rest in system memory: no headroom"
    return words, (Evidence("tool", "estimate_memory", c.memory.formula),)


def _support(candidate: Candidate) -> str:
    score = candidate.scores.support if candidate.scores is not None else 0.0
    if candidate.kind == "api":
        return "the provider runs it"
    if candidate.role in ("embedder", "reranker", "classifier"):
        return "downloads on its hub, where they are known"
    words = {100.0: "in Ollama's library", 90.0: "GGUF files on the hub"}
    return words.get(score, "to be converted by hand")


def _cost(candidate: Candidate, brief: Brief) -> tuple[str, tuple[Evidence, ...]]:
    if candidate.usd_per_month is None:
        return "no monthly bill known", (Evidence("tool", "monthly_cost", "no price"),)
    most = brief.budget.usd_per_month
    scale = f"budget ${most:,.0f}" if most else f"against ${table()['cost_scale']['usual_usd_per_month']:,}"
    words = f"about ${candidate.usd_per_month:,.2f} a month, {scale}"
    return words, (Evidence("tool", "monthly_cost", str(candidate.model_id)),)
