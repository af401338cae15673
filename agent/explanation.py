"""Guided wording: short Markdown from what the tools computed. Every figure in it is a field of the
recommendation.
"""

from __future__ import annotations

from tools.budget import GIB
from tools.candidates import Candidate, Reason, Recommendation, evidence_json

MOST_REASONS = 3
MOST_CAVEATS = 3


def _citations(reasons: list[Reason]) -> list[dict[str, str]]:
    """Guide passages that the reasons rest on, each once, in order."""
    found: list[dict[str, str]] = []
    for reason in reasons:
        for evidence in reason.evidence:
            row = evidence_json(evidence)
            if evidence.kind == "guide" and row not in found:
                found.append(row)
    return found


def _headline(candidate: Candidate) -> str:
    """One sentence: what to run, how, and whether it fits."""
    c = candidate.configuration
    if candidate.kind == "api":
        cost = (
            f", about ${candidate.usd_per_month:,.0f} a month" if candidate.usd_per_month is not None else ""
        )
        return f"I recommend **{candidate.model}** through its API{cost}."
    if c is None or c.memory is None:
        return f"I recommend **{candidate.model}**."
    room = f"{c.memory.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB"
    if candidate.role == "pretrain-config":
        return f"I recommend the configuration **{candidate.model}**; training takes {room}."
    if candidate.role == "finetune-base" and candidate.training is not None:
        t = candidate.training
        return (
            f"I recommend **{candidate.model}** as the base. {t.in_words}; running it afterward as "
            f"{c.quant} with {c.context:,} tokens takes {room}."
        )
    if candidate.role in ("embedder", "reranker", "classifier"):
        return f"I recommend **{candidate.model}** as the {candidate.role}; it takes {room}."
    shared = f" for each of {c.parallel} conversations" if c.parallel > 1 else ""
    beside = (
        f" together with {' and '.join(x.model for x in candidate.companions)}"
        if candidate.companions
        else ""
    )
    return (
        f"I recommend **{candidate.model}** as {c.quant} on {c.engine} with {c.context:,} tokens{shared}"
        f"{beside}: {room}{_speed_words(candidate)}."
    )


def _speed_words(candidate: Candidate) -> str:
    c = candidate.configuration
    if c is None or c.speed is None:
        return ", speed unknown"
    return f", about {c.speed.mid:.0f} tokens per second (estimate)"


def _others(candidates: tuple[Candidate, ...]) -> list[str]:
    lines = []
    for candidate in candidates[1:]:
        c = candidate.configuration
        quant = f" ({c.quant})" if c is not None and candidate.kind == "local" else ""
        tie = " \u2014 a tie within the uncertainty" if candidate.tied else ""
        lines.append(f"- {candidate.model}{quant}: {candidate.trade_off}{tie}")
    return lines


def _nothing(found: Recommendation) -> str:
    error = found.error or {}
    lines = [f"Nothing fits these needs. {error.get('message', '')}".strip()]
    lines += [f"- {r.model}: {r.reason}" for r in found.rejected[:4]]
    if found.would_change:
        lines.append("What would change that:")
        lines += [f"- If {c.condition}: {c.outcome}." for c in found.would_change]
    return "\n".join(lines)


def recommendation_text(found: Recommendation) -> tuple[str, list[dict[str, str]]]:
    """The message that goes with a recommendation, and the guide passages it cites."""
    if not found.candidates:
        return _nothing(found), []
    best = found.candidates[0]
    advice = [r for r in best.why if any(e.kind == "guide" for e in r.evidence)]
    plain = [r for r in best.why if r not in advice][:MOST_REASONS]
    lines = [_headline(best), ""]
    lines += [f"- {reason.text}" for reason in plain]
    lines += [f"- {reason.text}{_mark(advice, reason)}" for reason in advice]
    caveats = [*best.caveats, *(best.configuration.caveats if best.configuration else ())]
    lines += [f"- Mind: {caveat}" for caveat in dict.fromkeys(caveats[:MOST_CAVEATS])]
    others = _others(found.candidates)
    if others:
        lines += ["", "Others worth a look:", *others]
    if found.would_change:
        lines += ["", "What would change this:"]
        lines += [f"- If {c.condition}: {c.outcome}." for c in found.would_change]
    assumed = [f"{a['slot']}: {a['value']}" for a in found.assumptions if a["slot"] != "reserve"]
    if assumed:
        lines += ["", f"I assumed {'; '.join(assumed)}. Say so where that is wrong."]
    return "\n".join(lines), _citations(advice)


def _mark(advice: list[Reason], reason: Reason) -> str:
    """The number of the passage, as the citation list has it."""
    cited = _citations(advice)
    numbers = [
        str(cited.index(evidence_json(e)) + 1)
        for e in reason.evidence
        if e.kind == "guide" and evidence_json(e) in cited
    ]
    return f" [{', '.join(numbers)}]" if numbers else ""
