"""What `plan finetune` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.plan_words.amounts import gib, interval, sentence

Document = Mapping[str, Any]
NAMES = {"full": "full fine-tuning", "lora": "LoRA", "qlora": "QLoRA"}
FITS = {
    "yes": "fits",
    "likely": "fits by the estimate, not by the upper end of its interval",
    "unlikely": "does not fit by the estimate",
    "no": "does not fit",
}
MOST_SETTINGS = 6
NO_CARD = "system memory"
"""What the plan holds training against where no accelerator is known."""


def _base(document: Document) -> Document | None:
    return next(iter(document["bases"]), None)


def _none(document: Document) -> list[str]:
    error = document.get("error", {})
    return [f"{error.get('message', 'No base trains and runs here.')} {error.get('hint', '')}".strip()]


def worth(document: Document) -> list[str]:
    """Whether it is worth it: the verdict on the pass rate with its error."""
    found = document["worth"]
    enough, poor = found["may_not_be_needed_above"], found["should_help_below"]
    rule = f"Above {enough:.0%} it may not be needed, below {poor:.0%} it should help."
    if found["verdict"] == "to do":
        return [
            "**It depends on what the untrained base already does**, which only a test of your own tells: "
            "run it on about 20 of your scenarios and tell me how many pass.",
            rule,
        ]
    lines = [f"**{sentence(found['text'])}**", rule]
    if found["verdict"] == "open":
        lines.append("So test more scenarios before you decide, or better prompts and examples in it first.")
    return lines + _first_way(document)


def _first_way(document: Document) -> list[str]:
    base = _base(document)
    if base is None or base["method"] is None or base["room"]["device"] == NO_CARD:
        return []
    total, room = base["training"], base["room"]
    return [
        f"If you train: {base['model']} by {NAMES[base['method']]} takes about {gib(total['total_bytes'])} "
        f"({gib(total['low_bytes'])} to {gib(total['high_bytes'])}) of {gib(room['available_bytes'])} "
        f"on {room['device']}."
    ]


def method(document: Document) -> list[str]:
    """Which of the three ways fits the machine."""
    base = _base(document)
    if base is None:
        return _none(document)
    name = NAMES.get(base["method"], "none of the three")
    head = f"**{base['model']} on {base['room']['device']}: {name}**, because {base['method_why']}."
    return [head, *_ways(base), *_length(document)]


def _ways(base: Document) -> list[str]:
    lines = [
        f"- {way['name']}: about {gib(way['total_bytes'])} ({gib(way['low_bytes'])} to "
        f"{gib(way['high_bytes'])}), {FITS.get(way['fits'], way['fits'])}"
        + ("" if not way["fused_cross_entropy"] else ", with fused cross-entropy")
        for way in base["ways"]
    ]
    return [f"Memory of training against {gib(base['room']['available_bytes'])} usable:", *lines]


def _length(document: Document) -> list[str]:
    request = document["request"]
    assumed = ", assumed" if request["sequence_length_assumed"] else ""
    return [
        f"For examples of {request['sequence_length']:,} tokens{assumed}, {request['micro_batch_size']} at a "
        f"time, adapters of rank {request['lora_rank']}."
    ]


def memory(document: Document) -> list[str]:
    """What training takes, and what of."""
    base = _base(document)
    if base is None:
        return _none(document)
    training = base["training"]
    parts = ", ".join(
        f"{key.removesuffix('_bytes')} {gib(training[key])}"
        for key in (
            "weights_bytes",
            "adapter_bytes",
            "gradient_bytes",
            "optimizer_bytes",
            "activation_bytes",
            "logits_bytes",
            "overhead_bytes",
        )
        if training[key]
    )
    name = NAMES.get(training["method"], training["method"])
    head = (
        f"**{base['model']} by {name}: about {gib(training['total_bytes'])}** "
        f"({gib(training['low_bytes'])} to {gib(training['high_bytes'])}, estimate): {parts}."
    )
    return [head, *_ways(base), *_length(document)]


def logits(document: Document) -> list[str]:
    """The memory of the logits, which grows with the vocabulary."""
    base = _base(document)
    if base is None:
        return _none(document)
    found = base["logits"]
    one = found["logits_bytes"]
    known = "" if found["vocabulary_known"] else " (vocabulary not known, a usual one is assumed)"
    lines = [
        f"**The logits of {base['model']} take {one / 1e9:.2f} GB ({gib(one)})** in 32 bits at "
        f"{found['tokens']:,} tokens{known}, and as much again for their gradient.",
        f"Computed: {found['formula']}.",
        f"At its peak the framework holds about {found['peak_bytes_per_entry']:g} bytes an entry: "
        f"{gib(found['at_peak_bytes'])}.",
    ]
    return lines + _longest(base)


def _longest(base: Document) -> list[str]:
    longest, device = base["logits"]["longest_example"], base["room"]["device"]
    if longest is None or device == NO_CARD:
        return []
    return [
        f"Longest example that fits {device}: about {longest['plain_tokens']:,} tokens, with fused "
        f"cross-entropy about {longest['fused_tokens']:,}."
    ]


def length(document: Document) -> list[str]:
    """The longest example that fits."""
    base = _base(document)
    if base is None:
        return _none(document)
    longest = base["logits"]["longest_example"]
    if longest is None:
        return method(document)
    name = NAMES.get(base["training"]["method"], base["training"]["method"])
    return [
        f"**About {longest['plain_tokens']:,} tokens an example** fit {base['room']['device']} with "
        f"{base['model']} by {name}, about {longest['fused_tokens']:,} with fused cross-entropy (estimates).",
        *_ways(base),
    ]


def time(document: Document) -> list[str]:
    """How long the run takes."""
    base = _base(document)
    if base is None:
        return _none(document)
    request = document["request"]
    if base["time"] is None:
        return [
            f"**How long {base['model']} trains I cannot say yet**: {base['time_unknown']}.",
            *_first_way(document),
        ]
    spent = base["time"]
    return [
        f"**{sentence(interval(spent['seconds']))}** That is {base['model']} by "
        f"{NAMES.get(base['method'] or '', base['training']['method'])} over {request['tokens']:,} tokens "
        f"on {base['room']['device']}.",
        f"Computed: {spent['formula']}.",
        *_length(document),
    ]


def settings(document: Document) -> list[str]:
    """Hyperparameters to start with."""
    base = _base(document)
    if base is None:
        return _none(document)
    rows = base["hyperparameters"]
    name = NAMES.get(base["training"]["method"], base["training"]["method"])
    lines = [f"**To start with, for {base['model']} by {name}:**"]
    lines += [f"- {row['name']}: {row['value']} ({row['why']})" for row in rows[:MOST_SETTINGS]]
    return lines + _length(document)


SAYERS = {
    "worth": worth,
    "method": method,
    "memory": memory,
    "logits": logits,
    "length": length,
    "time": time,
    "settings": settings,
}
