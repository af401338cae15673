"""Why an option was chosen: claims with the evidence they rest on, and the guides' advice that applies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from tools.brief import Brief
from tools.budget import GIB
from tools.calibration.words import evidence_of
from tools.candidates import Candidate, Configuration, Reason
from tools.citing import guide
from tools.memory.types import Evidence
from tools.running_costs import dollars
from tools.task_mix import task_words

LOW_QUANTS = ("Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K", "IQ3_M", "IQ2_M")
SMALL_B = 5.0
WORTH_A_WORD = 1.0
"""Points that a quantization costs from which it is said."""


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """The rows of `tools/data/guidance.json`."""
    data = resources.files("tools").joinpath("data/guidance.json").read_bytes()
    return tuple(TypeAdapter(dict[str, Any]).validate_json(data)["rules"])


def tags_of(candidate: Candidate, brief: Brief) -> set[str]:
    """The facts about an option that guidance rules ask for."""
    c = candidate.configuration
    machine = brief.machine
    tags: set[str] = {candidate.role, candidate.kind, brief.task}
    conditions = {
        "multi_label": bool(brief.dataset.multi_label),
        "single_label": not brief.dataset.multi_label,
        "conversations": brief.task in ("chat", "writing"),
        "small": candidate.params_total_b is not None and candidate.params_total_b <= SMALL_B,
        "private": brief.private,
        "quantized_cache": c is not None and c.cache_quantized,
        "low_quant": c is not None and c.quant in LOW_QUANTS,
        "ram_8gb": machine is not None and not machine.devices and (machine.ram_bytes or 0) <= 9 * GIB,
    }
    tags |= {name for name, holds in conditions.items() if holds}
    if c is not None:
        tags.add(c.engine)
    return tags


def advice(candidate: Candidate, brief: Brief) -> list[Reason]:
    """What the guides say about an option like this one."""
    tags = tags_of(candidate, brief)
    return [
        Reason(rule["text"], (guide(rule["file"], rule["heading"], rule["text"]),))
        for rule in rules()
        if tags.issuperset(rule["when"])
    ]


def _beside(c: Configuration, brief: Brief) -> str:
    """What a configuration with layers or experts off the accelerator takes of system memory."""
    if not c.spills or c.memory is None or brief.machine is None or not brief.machine.devices:
        return ""
    away = c.cpu_moe_layers
    what = f"the experts of {away} layers" if away else "the other layers"
    return f"; {what} take {c.memory.host_bytes / GIB:.1f} GiB of system memory"


def _memory_reason(candidate: Candidate, brief: Brief) -> Reason | None:
    c = candidate.configuration
    if c is None or c.memory is None:
        return None
    m = c.memory
    word = "computed tensor by tensor" if m.exact else "estimated"
    if candidate.role == "pretrain-config":
        there = f"{c.available_bytes / GIB:.1f} GiB ({word})"
        text = f"Training takes about {m.total_bytes / GIB:.1f} GiB of {there}."
    else:
        span = "" if m.exact else f", {m.low_bytes / GIB:.1f} to {m.high_bytes / GIB:.1f}"
        text = (
            f"Memory: {m.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB ({word}{span}): weights "
            f"{m.weights_bytes / GIB:.1f}, cache {m.kv_cache_bytes / GIB:.1f}, "
            f"buffers {m.compute_bytes / GIB:.1f}, "
            f"runtime {m.overhead_bytes / GIB:.1f} GiB{_beside(c, brief)}."
        )
    return Reason(text, (Evidence("tool", "estimate_memory", m.formula), *m.basis[:3]))


def _quality_reason(candidate: Candidate, brief: Brief) -> Reason:
    q = candidate.quality
    if candidate.role == "pretrain-config":
        return Reason(f"Size for the data: {q.score:.0f} of 100, {q.note}.", q.basis)
    note = q.note or ("from public scores" if q.measured else "expected, not measured")
    c = candidate.configuration
    if q.loss >= WORTH_A_WORD and c is not None:
        note = f"{q.score + q.loss:.0f} less {q.loss:.0f} for {c.quant}; {note}"
    return Reason(
        f"Quality for {task_words(brief.tasks)}: {q.score:.0f} of 100, give or take {q.spread:.0f} ({note}).",
        q.basis,
    )


def _speed_reason(candidate: Candidate) -> Reason | None:
    c = candidate.configuration
    if c is None or c.speed is None:
        return None
    s = c.speed
    thinks = s.timings.thinking if s.timings is not None else None
    first, evidence = "", [Evidence("tool", "estimate_speed", s.basis)]
    if s.here is not None:
        evidence.append(evidence_of(s.here))
    if thinks is not None:
        off = " (can be switched off)" if thinks.switchable else ""
        span = (
            "for how long on such tasks is not known"
            if thinks.stand_in
            else f"about {thinks.seconds.mid:.0f} s"
        )
        first = f"; it thinks first, {span}{off}"
        evidence.append(Evidence("tool", "thinking_tokens", thinks.basis))
    # Rounded as the document has it, so that the sentence and the table never differ by one.
    low, mid, high = (round(value, 1) for value in (s.low, s.mid, s.high))
    interval = f"{low:.0f} to {high:.0f}; {s.note}" if s.note else f"estimate, {low:.0f} to {high:.0f}"
    return Reason(
        f"About {mid:.0f} tokens per second per conversation ({interval}){first}.",
        tuple(evidence),
    )


def _license_reason(candidate: Candidate) -> Reason:
    figure = candidate.license
    words = {
        "yes": "allows commercial use",
        "conditional": "allows commercial use under conditions",
        "no": "does not allow commercial use",
        "unknown": "has unread terms",
    }[figure.commercial_use]
    note = f" ({figure.note})" if figure.note else ""
    date = f", as of {figure.as_of}" if figure.as_of else ""
    evidence = [Evidence("catalog", f"{figure.source or 'catalog'}{date}", figure.id)]
    evidence += [
        Evidence("catalog", b.source, f"{b.license or 'license unknown'} of {b.base}")
        for b in figure.inherited
    ]
    return Reason(f"License {figure.id} {words}{note}.", tuple(evidence))


def _training_reasons(candidate: Candidate) -> list[Reason]:
    training = candidate.training
    if training is None or candidate.role != "finetune-base":
        return []
    from tools.roles.training import tunability

    e, words = training.estimate, training.in_words
    found = [
        Reason(
            f"{words[0].upper()}{words[1:]}; the logits of its vocabulary take "
            f"{e.logits_bytes / GIB:.1f} GiB of that (estimate, {e.low_bytes / GIB:.1f} to "
            f"{e.high_bytes / GIB:.1f} GiB in all).",
            (Evidence("tool", "estimate_training", e.formula), *e.basis[:2]),
        )
    ]
    points, evidence = tunability(str(candidate.model_id))
    if evidence is not None and points > 0:
        found.append(
            Reason("Responds well to fine-tuning (tunability measured on this exact model).", (evidence,))
        )
    return found


def reasons_for(candidate: Candidate, brief: Brief) -> tuple[Reason, ...]:
    """Every reason of a candidate, in the order a person wants them."""
    found: list[Reason | None] = [_memory_reason(candidate, brief)]
    found += _training_reasons(candidate)
    found += [_quality_reason(candidate, brief), _speed_reason(candidate)]
    found += list(candidate.why)
    if candidate.role != "pretrain-config":
        found.append(_license_reason(candidate))
    return tuple([r for r in found if r is not None] + advice(candidate, brief))


def despite_few_bits(candidate: Candidate, others: Sequence[Candidate]) -> tuple[Reason, ...]:
    """Why an option of few bits stands where it does, though the guides advise against such: both are shown.

    Args:
        candidate: The option.
        others: All options, best first.
    """
    c = candidate.configuration
    if c is None or c.quant not in LOW_QUANTS:
        return ()
    for other in others[others.index(candidate) + 1 :]:
        o = other.configuration
        if o is None or o.quant in LOW_QUANTS or other.role != candidate.role:
            continue
        gap = candidate.quality.score - other.quality.score
        if gap < WORTH_A_WORD:
            return ()
        sure = gap > candidate.quality.spread + other.quality.spread
        text = (
            f"Against that advice the calculation puts it before {other.model} in {o.quant}: "
            f"{candidate.quality.score:.0f} of 100 after the loss of {c.quant}, against "
            f"{other.quality.score:.0f}{'' if sure else '; that is within the uncertainty, so try both'}."
        )
        rule = next(rule for rule in rules() if rule["when"] == ["low_quant"])
        against = guide(rule["file"], rule["heading"], rule["text"])
        return (Reason(text, (against, *candidate.quality.basis[:1], *other.quality.basis[:1])),)
    return ()


def trade_off(candidate: Candidate, best: Candidate, *, tied: bool = False) -> str:
    """One line: what this option gives up and gains against the first.

    Of a tie it says so first: then what follows is what separates the two.
    """
    if candidate is best:
        return "best overall for the stated needs"
    parts = [_quality_words(candidate.quality.points_over(best.quality))]
    mine, its = candidate.configuration, best.configuration
    if mine and its and mine.speed and its.speed and its.speed.mid > 0:
        ratio = mine.speed.mid / its.speed.mid
        if ratio > 1.15 or ratio < 0.87:
            parts.append(f"{ratio:.1f}x the speed")
    if mine and its and mine.memory and its.memory:
        gap = (_held(mine) - _held(its)) / GIB
        if abs(gap) >= 0.5:
            parts.append(f"{abs(gap):.1f} GiB {'more' if gap > 0 else 'less'} memory")
    parts += _window_words(candidate, best)
    if candidate.usd_per_month is not None and best.usd_per_month is not None:
        mine_usd, its_usd = dollars(candidate.usd_per_month), dollars(best.usd_per_month)
        parts.append(
            f"{mine_usd} against {its_usd} a month"
            if abs(candidate.usd_per_month - best.usd_per_month) > 0.25 * best.usd_per_month
            else "about the same price"
        )
    if candidate.license.id != best.license.id:
        parts.append(f"license {candidate.license.id}")
    words = ", ".join(p for p in parts if p)
    return f"a tie within the uncertainty; what separates them: {words}" if tied else words


def _held(c: Configuration) -> int:
    """Bytes on the accelerators, and those beside them where layers or experts are there."""
    assert c.memory is not None
    return c.memory.total_bytes + (c.memory.host_bytes if c.spills else 0)


def _window_words(candidate: Candidate, best: Candidate) -> list[str]:
    """A window at least twice as long or short."""
    mine, its = candidate.context_length, best.context_length
    if not mine or not its or 0.5 < mine / its < 2:
        return []
    return [f"a window of {mine:,} tokens against {its:,}"]


def _quality_words(gap: int) -> str:
    if not gap:
        return "about the same expected quality"
    points = abs(gap)
    return f"{points} point{'' if points == 1 else 's'} {'more' if gap > 0 else 'less'} expected quality"
