"""What `plan pretrain` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.plan_words.amounts import gib, hours, sentence, time_of

Document = Mapping[str, Any]


def _rate(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _tokens(count: float) -> str:
    for word, scale in (("billion", 1e9), ("million", 1e6)):
        if count >= scale:
            return f"{count / scale:.3g} {word}"
    return f"{count:,.0f}"


def config(document: Document) -> list[str]:
    """Which configuration, and what it takes."""
    found, memory, batch = document["config"], document["memory"], document["batch"]
    phase = document["phases"][0]
    fits = "fits" if memory["fits"] else "does not fit"
    return [
        f"**{found['name']}** ({found['params'] / 1e6:,.0f} million parameters, {found['block_size']:,} "
        f"tokens at once). {document['decision']['why']}",
        f"Training takes about {gib(memory['total_bytes'])} ({gib(memory['low_bytes'])} to "
        f"{gib(memory['high_bytes'])}, estimate) of {gib(memory['available_bytes'])} on "
        f"{document['hardware']['device']}: {fits}.",
        f"Batch: {batch['micro_batch']} at once x {batch['accumulation_steps']} = "
        f"{batch['effective_batch']} sequences; learning rate {_rate(phase['learning_rate'])}.",
        _spent(document),
        *_scaling(document),
    ]


def _spent(document: Document) -> str:
    phase = document["phases"][0]
    computed = document["time"]["computed_hours"]
    took = hours(computed) if computed is not None else "not known"
    return f"{phase['iterations']:,} iterations ({_tokens(phase['tokens_seen'])} tokens): {took}."


def _scaling(document: Document) -> list[str]:
    scaling, data = document["scaling"], document["dataset"]
    if scaling is None:
        return []
    needed = (
        f"{_tokens(scaling['needed_tokens'])} tokens, about {scaling['needed_bytes'] / 1e9:.3g} GB of text"
    )
    said = f"{data['said']} is about {_tokens(data['tokens'])} tokens; " if data is not None else ""
    return [
        sentence(
            f"{said}{document['config']['name']} is trained to the full with {needed} (20 tokens a parameter)"
        )
    ]


def rate(document: Document) -> list[str]:
    """Learning rates by what is trained."""
    name = document["config"]["name"]
    lines = [f"**{_chosen(document)}**"]
    for row in document["learning_rates"]:
        span = (
            _rate(row["low"]) if row["low"] == row["high"] else f"{_rate(row['low'])} to {_rate(row['high'])}"
        )
        why = f" ({row['why']})" if row["why"] else ""
        lines.append(f"- {row['name']}: {span}{why}")
    phase = document["phases"][-1]
    warmup = f"Warm up over {phase['warmup_iterations']:,} iterations"
    return [*lines, f"{warmup} of {phase['iterations']:,}." if phase["iterations"] else f"{warmup} ({name})."]


def _chosen(document: Document) -> str:
    phase = document["phases"][-1]
    what = {"scratch": "training from scratch", "domain": "domain adaptation"}[phase["phase"]]
    return f"{_rate(phase['learning_rate'])} for {what} of {document['config']['name']}."


def time(document: Document) -> list[str]:
    """How long the run takes, by computation and by the guide."""
    found, phase = document["time"], document["phases"][0]
    computed = found["computed_hours"]
    took = hours(computed) if computed is not None else "not known"
    lines = [
        f"**{document['config']['name']} for {phase['iterations']:,} iterations on "
        f"{document['hardware']['device']}: {took}.**"
    ]
    if found["stated_hours_low"] is not None:
        low, high = (time_of(found[f"stated_hours_{end}"] * 3600) for end in ("low", "high"))
        lines.append(f"By the guide's own times: {low} to {high} ({found['stated_basis']}).")
    batch, memory = document["batch"], document["memory"]
    lines += [
        f"It reads {_tokens(phase['tokens_seen'])} tokens, {batch['tokens_per_iteration']:,} an iteration "
        f"({batch['micro_batch']} x {batch['accumulation_steps']} sequences).",
        f"Memory: about {gib(memory['total_bytes'])} of {gib(memory['available_bytes'])}.",
        f"Computed: {found['computed_basis']}.",
    ]
    return lines


def data(document: Document) -> list[str]:
    """How much text a configuration wants, and what the stated text supports."""
    scaling, said = document["scaling"], document["dataset"]
    domain = document["domain_data"]
    lines = [f"**{sentence(domain['verdict'])}**"] if domain else []
    if scaling is None:
        return lines or config(document)
    name = document["config"]["name"]
    needed = (
        f"{_tokens(scaling['needed_tokens'])} tokens, about {scaling['needed_bytes'] / 1e9:.3g} GB of text"
    )
    lines.append(f"**{name} is trained to the full with about {needed}** (20 tokens a parameter).")
    if said is not None:
        lines += [
            f"{said['said']} is about {_tokens(said['tokens'])} tokens: one pass supports about "
            f"{_tokens(scaling['optimal_params'])} parameters, four passes about "
            f"{_tokens(scaling['repeated_params'])}.",
            f"Smaller alternative: {scaling['smaller_words']}. {document['decision']['why']}",
        ]
    return lines


SAYERS = {"config": config, "rate": rate, "time": time, "data": data}
