"""Guided wording: short Markdown from what the tools computed. Every figure in it is a field of the
recommendation.
"""

from __future__ import annotations

from agent.wording import assumptions_told, engine_name, listed, role_name, slot_words
from tools.budget import GIB
from tools.candidates import Candidate, Reason, Recommendation, evidence_json

MOST_CAVEATS = 3
MOST_REJECTED = 4


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
    """One sentence: what to run and how. The figures follow as reasons."""
    c = candidate.configuration
    name = f"I recommend **{candidate.model}**"
    if candidate.kind == "api":
        cost = (
            f", about ${candidate.usd_per_month:,.2f} a month" if candidate.usd_per_month is not None else ""
        )
        return f"{name} through its API{cost}."
    if c is None or c.memory is None:
        return f"{name}."
    if candidate.role == "pretrain-config":
        return f"I recommend the configuration **{candidate.model}**."
    if candidate.role == "finetune-base":
        room = f"{c.memory.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB"
        return (
            f"{name} as the base to fine-tune. Afterward it runs as {c.quant} on {engine_name(c.engine)} "
            f"with {c.context:,} tokens in {room}."
        )
    if candidate.role != "generator":
        others = [f"{x.model} as the {role_name(x.role)}" for x in candidate.companions]
        return f"{name} as the {role_name(candidate.role)}{f' with {listed(others)}' if others else ''}."
    shared = f" for each of {c.parallel} conversations" if c.parallel > 1 else ""
    beside = (
        f", together with {listed([x.model for x in candidate.companions])}" if candidate.companions else ""
    )
    how = f"{c.quant} on {engine_name(c.engine)} with {c.context:,} tokens of context"
    return f"{name} as {how}{shared}{beside}."


def _verdict(text: str, best: Candidate) -> str:
    """Where the answer is an API plainly, that is the first sentence, and said once."""
    return text.replace(best.model, f"**{best.model}**", 1)


def _others(candidates: tuple[Candidate, ...]) -> list[str]:
    lines = []
    for candidate in candidates[1:]:
        c = candidate.configuration
        runs = c is not None and candidate.kind == "local" and candidate.role != "pretrain-config"
        quant = f" ({c.quant})" if c is not None and runs else ""
        tie = " \u2014 as good a choice, all in all" if candidate.tied else ""
        lines.append(f"- {candidate.model}{quant}: {candidate.trade_off}{tie}")
    return lines


def _nothing(found: Recommendation) -> str:
    """What excludes everything, and the way out."""
    error = found.error or {}
    lines = [f"Nothing fits these needs. {error.get('message', '')}".strip()]
    if len(found.rejected) > 1:
        lines += ["", "The nearest ones and why not:"]
        lines += [f"- {r.model}: {r.reason}" for r in found.rejected[:MOST_REJECTED]]
    lines += _changes(found)
    return "\n".join(lines)


def _changes(found: Recommendation) -> list[str]:
    if not found.would_change:
        return []
    return ["", "What would change this:", *(f"- If {c.condition}: {c.outcome}." for c in found.would_change)]


def _assumed(found: Recommendation) -> list[str]:
    """The assumptions in one line; what changes nothing for a person is left to the panel."""
    best = found.candidates[0] if found.candidates else None
    told = assumptions_told("generator" if best is None else "api" if best.kind == "api" else best.role)
    words = [slot_words(a["slot"], a["value"]) for a in found.assumptions if a["slot"] in told and a["value"]]
    if not words:
        return []
    return ["", f"I assumed: {'; '.join(dict.fromkeys(words))}. Say so where that is wrong."]


def _caveats(candidate: Candidate) -> list[str]:
    """What to mind when deciding; how exact an estimate is stands beside the estimate."""
    c = candidate.configuration
    precision = c.memory.caveats if c is not None and c.memory is not None else ()
    own = [text for text in (c.caveats if c is not None else ()) if text not in precision]
    return list(dict.fromkeys([*candidate.caveats, *own]))[:MOST_CAVEATS]


def _minded(best: Candidate, found: Recommendation) -> list[str]:
    """The first caveats; that the facts are old is never left out."""
    shown, old = _caveats(best), found.facts.warning if found.facts is not None else ""
    return [*(caveat for caveat in shown if caveat != old), *([old] if old else [])]


def recommendation_text(found: Recommendation) -> tuple[str, list[dict[str, str]]]:
    """The message that goes with a recommendation, and the guide passages it cites."""
    if not found.candidates:
        return "\n".join([_nothing(found), *_assumed(found)]), []
    best = found.candidates[0]
    reasons = [r for r in best.why if r.text != found.verdict]
    advice = [r for r in reasons if any(e.kind == "guide" for e in r.evidence)]
    plain = [r for r in reasons if r not in advice]
    lines = [_verdict(found.verdict, best), ""] if found.verdict else [_headline(best), ""]
    lines += [f"- {reason.text}" for reason in plain]
    lines += [f"- {reason.text}{_mark(advice, reason)}" for reason in advice]
    lines += [f"- Mind: {caveat}" for caveat in _minded(best, found)]
    others = _others(found.candidates)
    if others:
        lines += ["", "Others worth a look:", *others]
    lines += _changes(found) + _assumed(found)
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


def beside_before(before: list[str], now: list[str], *, supposed: bool) -> str:
    """One sentence on the first choice against the one of the last recommendation; empty for the first."""
    if not before or not now:
        return ""
    if before[0] == now[0]:
        return f"{now[0]} {'would stay' if supposed else 'stays'} the first choice."
    return f"{now[0]} {'would take' if supposed else 'takes'} the place of {before[0]}."
