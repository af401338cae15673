"""What other bits, another machine or more people would bring: questions that put the answer to the test."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.answers import Told, configuration_of
from agent.particulars import Particulars
from agent.understanding import Understanding
from knowledge.catalog.records import ModelRecord
from tools.brief import Brief, brief_of
from tools.budget import GIB
from tools.calibration.applying import note_on
from tools.candidates import Configuration
from tools.fit import solve, with_memory
from tools.fit_catalog import largest
from tools.fit_types import Refusal
from tools.hardware_types import Machine
from tools.memory.training import estimate_training
from tools.memory.types import Evidence, TrainingMethod, TrainingRequest
from tools.needs import Needs
from tools.planning.training_fit import training_room
from tools.quant_loss import loss_evidence, quality_loss
from tools.recommend import hardware_changes
from tools.roles.generator import ask_of
from tools.task_mix import quality_for
from tools.training_plan import METHODS

ENCODER_WAYS: tuple[TrainingMethod, ...] = ("full", "lora")
"""Ways to train an encoder; it is too small for quantized weights to be worth it."""
BITS = ("", "why", "why_not", "quants")
"""Topics under which a quantization that is named is put to the test."""
MOST_LISTED = 4
MOST_WORDS = 12
"""A longer sentence with a quantization in it asks for more than that."""
TESTED = re.compile(
    r"\b(?:what if|why|could|can|should|would|will|how about|what about|instead|bad|worse|better|enough|good|"
    r"lose|loss|much|also|then|warum|wäre|kann|könnte|besser|schlechter|genug)\b",
    re.IGNORECASE,
)
"""What puts a quantization to the test, rather than asks what it is."""
_SERVED = re.compile(r"(?<![\w.])(FP8|AWQ|BF16|Q\d_K(?:_[SML])?|Q\d_\d|IQ\d_\w+)(?!\w)", re.IGNORECASE)
"""Formats by their exact names, those of servers too."""
SAME_POINTS = 0.5
"""Points of quality that nobody would notice."""


def puts_to_the_test(question: str) -> bool:
    """Whether a question that names a quantization asks what it would do to the recommended model."""
    return len(question.split()) <= MOST_WORDS and TESTED.search(question) is not None


def tested_told(
    topic: str, asked: Particulars, question: str, first: ModelRecord | None, needs: Needs
) -> Told | None:
    """What another machine or other bits would do to what was recommended; None for any other question.

    Args:
        topic: what the question is about, of `agent/data/topics.json`.
        asked: the conditions that it names.
        question: the question.
        first: the model that was recommended.
        needs: what it was recommended for.
    """
    if topic == "better_machine":
        return better_machine(needs)
    bits = bits_named(question, asked.quant)
    if not bits or first is None or topic not in BITS or not puts_to_the_test(question):
        return None
    told = in_bits(first, brief_of(needs), bits)
    return None if told is None else (f"**{first.name}** {told[0]}", told[1])


def bits_named(question: str, first: str | None) -> tuple[str, ...]:
    """The quantizations that a question names: by their exact names, else as it was read (`first`)."""
    exact = [found[1].upper() for found in _SERVED.finditer(question)]
    return tuple(dict.fromkeys(exact or ([first] if first is not None else [])))


def in_bits(model: ModelRecord, brief: Brief, named: tuple[str, ...]) -> Told | None:
    """The recommended model in another quantization, beside the recommended one; None where neither is known.

    Args:
        model: the model that was recommended.
        brief: the needs, filled.
        named: the quantizations asked for, one or more; the first beside the recommended one is compared.
    """
    now = configuration_of(model, brief)
    if isinstance(now, str) or brief.machine is None:
        return None
    quant = next((one for one in named if one != now.quant), now.quant)
    quants = list(dict.fromkeys((now.quant, quant)))
    lines = [_line(model, brief, now, "recommended")]
    evidence = [Evidence("tool", "estimate_memory", model.id), Evidence("tool", "estimate_speed", model.id)]
    evidence += [e for one in quants for e in loss_evidence(model, one, now.kv_cache_type)]
    if quant == now.quant:
        return f"{quant} is what is recommended:{lines[0]}{_worth(model, brief, now)}", evidence
    ask = replace(ask_of(brief), quant=quant, engine=None)
    found = solve(model.id, brief.machine, ask)
    if isinstance(found, Refusal):
        lines.append(f"\n   - {quant}: {found.reason}")
        return f"{_start(brief)}{''.join(lines)}", evidence
    other = with_memory(model, brief.machine, found.configuration, ask)
    lines.append(_line(model, brief, other, "as asked"))
    return f"{_start(brief)}{''.join(lines)}\n\n{_verdict(model, brief, now, other)}", evidence


def _start(brief: Brief) -> str:
    return f"with {brief.context:,} tokens of context (estimates):"


def _loss(model: ModelRecord, brief: Brief, c: Configuration) -> float:
    return quality_loss(model, c.quant, c.kv_cache_type, brief.task)


def _worth(model: ModelRecord, brief: Brief, c: Configuration) -> str:
    """What the bits cost, against how well the quality is known at all."""
    loss, spread = _loss(model, brief, c), quality_for(model.id, brief.tasks).spread
    if loss < SAME_POINTS:
        return "\n\nMore bits would bring nothing that anybody notices."
    known = "less than" if loss < spread else "more than"
    return f"\n\nMore bits would bring back up to {loss:.1f} points: {known} the {spread:.0f} it is known to."


def _line(model: ModelRecord, brief: Brief, c: Configuration, what: str) -> str:
    assert c.memory is not None
    speed = f", about {c.speed.mid:.0f} tokens per second" if c.speed else ""
    lost = f"{_loss(model, brief, c):.1f} of 100 points of quality lost by the bits"
    return (
        f"\n   - {c.quant} ({what}): {c.memory.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB"
        f"{speed}, {lost}"
    )


def _verdict(model: ModelRecord, brief: Brief, now: Configuration, other: Configuration) -> str:
    """What changing the bits wins and costs, in a sentence."""
    gain = _loss(model, brief, now) - _loss(model, brief, other)
    quicker = other.speed.mid / now.speed.mid if other.speed and now.speed and now.speed.mid else None
    pace = "" if quicker is None else f", at {quicker:.1f} times the speed"
    if abs(gain) < SAME_POINTS:
        return f"{other.quant} is as good as {now.quant}, as far as anybody would notice{pace}."
    spread = quality_for(model.id, brief.tasks).spread
    known = f" The quality itself is known to give or take {spread:.0f}."
    word = "better" if gain > 0 else "worse"
    return f"{other.quant} is {abs(gain):.1f} points {word} than {now.quant}{pace}.{known}"


def better_machine(needs: Needs) -> Told:
    """What more or other hardware would change about the first choice, the nearest step of each kind."""
    changes = hardware_changes(needs)
    evidence = [Evidence("tool", "recommend", "the same needs on larger machines")]
    if not changes:
        return (
            "No larger machine that I know of changes the first choice or its quantization. It may still be "
            "faster, or hold more conversations at once: name one, and I compute it.",
            evidence,
        )
    lines = "\n".join(f"- If {one.condition}: {one.outcome}." for one in changes)
    return (
        f"For your needs as they stand:\n\n{lines}\n\nName a machine (\u201cwhat if I had a RTX 5090?\u201d) "
        "and I recommend anew for it.",
        evidence,
    )


def encoder_told(topic: str, read: Understanding, first: ModelRecord | None, needs: Needs) -> Told | None:
    """Memory to train the recommended classifier; None where a plan for language models is asked for.

    Args:
        topic: the plan that a question asks for.
        read: the question as understood; one that names a model, a size or QLoRA is about a language model.
        first: the model that was recommended.
        needs: what it was recommended for.
    """
    brief, named = brief_of(needs), read.mentions
    method = read.asked_of.get("training") or needs.training
    if topic != "finetune.memory" or first is None or brief.role != "classifier":
        return None
    if named.models or named.families or named.sizes_b or read.critiques:
        return None
    return _encoder_training(first, brief) if method is None or method.value.method != "qlora" else None


def _encoder_training(model: ModelRecord, brief: Brief) -> Told:
    machine = brief.training_machine or brief.machine
    room, name = training_room(machine) if machine is not None else (None, "")
    lines, evidence = [], []
    for method in ENCODER_WAYS:
        found = estimate_training(model, TrainingRequest(method=method, sequence_length=brief.context))
        low, high = found.low_bytes / GIB, found.high_bytes / GIB
        held = "" if room is None else ", fits" if found.total_bytes <= room else ", does not fit"
        total = f"about {found.total_bytes / GIB:.1f} GiB ({low:.1f} to {high:.1f})"
        lines.append(f"\n   - {METHODS[method]}: {total}{held}")
        evidence += [Evidence("tool", "estimate_training", found.formula), *found.basis[:1]]
    against = f" on {name} ({room / GIB:.1f} GiB usable)" if room is not None else ""
    start = f"training with texts of {brief.context:,} tokens, one at a time{against}, takes (estimates):"
    return f"**{model.name}**: {start}{''.join(lines)}", list(dict.fromkeys(evidence))


def largest_told(machine: Machine, brief: Brief) -> Told:
    """The models with the most parameters that fit the machine; the best ones are another matter."""
    document = largest(machine, ask_of(brief), MOST_LISTED)
    rows = (*document["models"], *document["with_system_memory"])
    lines = [
        f"- **{row['model']}**: {row['params_b']:.0f}B as {row['quant']}, {row['memory_bytes'] / GIB:.1f} GiB"
        + (f", about {row['tokens_per_second']:.0f} tokens per second" if row["tokens_per_second"] else "")
        + (" (with a part in system memory)" if row in document["with_system_memory"] else "")
        for row in rows
    ]
    start = f"The largest models that fit with {brief.context:,} tokens of context (estimates):\n\n"
    note = "\n\nLargest is not best: the recommendation goes by measured quality for the task."
    note += f" {note_on(machine)}" if note_on(machine) else ""
    return start + "\n".join(lines) + note, [Evidence("tool", "fit", row["model_id"]) for row in rows]
