"""What a pretraining plan does not promise: scaling laws, repetition, and where the guide is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.planning.pretrain_tables import plan_tables

Document = Mapping[str, Any]
GIB = 1 << 30


def caveats_of(document: Document) -> list[str]:
    """The caveats of a plan, the weightiest first."""
    found = [
        _fit(document),
        *_laws(document),
        _longer_second(document),
        _rule(document),
        _quadratic(document),
        _time(document),
        _own_config(document),
        _matrix(document),
        _cards(document),
    ]
    return [text for text in found if text]


def _millions(count: float) -> str:
    for word, scale in (("billion", 1e9), ("million", 1e6), ("thousand", 1e3)):
        if count >= scale:
            return f"{count / scale:,.3g} {word}"
    return f"{count:.0f}"


def _fit(document: Document) -> str:
    memory, batch = document["memory"], document["batch"]
    if not memory["fits"]:
        need, there = memory["total_bytes"] / GIB, memory["available_bytes"] / GIB
        return f"It does not fit: one sequence takes about {need:.1f} GiB, {there:.1f} GiB are usable."
    words = []
    if batch["accumulation_steps"] > 1:
        words.append(
            f"{batch['micro_batch']} sequences fit at once; {batch['accumulation_steps']} steps of "
            f"accumulation keep the effective batch at {batch['effective_batch']}"
        )
    if batch["gradient_checkpointing"]:
        words.append("activations are computed again (checkpointing), a third more computing")
    if memory["high_bytes"] > memory["available_bytes"]:
        words.append(
            f"the upper end of the estimate ({memory['high_bytes'] / GIB:.1f} GiB) is above what is usable: "
            "the short run decides"
        )
    text = "; ".join(words)
    return text[:1].upper() + text[1:] + "." if text else ""


def _laws(document: Document) -> list[str]:
    """Chinchilla and repetition, with the smaller configuration that the data support."""
    laws, scaling = plan_tables()["scaling"], document["scaling"]
    if scaling is None:
        return []
    name, needed = document["config"]["name"], scaling["needed_tokens"]
    found = [
        f"{name} is trained to the full with about {_millions(needed)} tokens, "
        f"{laws['tokens_per_parameter']} a parameter (Hoffmann et al. 2022); this run reads about "
        f"{_millions(scaling['seen_tokens'])}, {scaling['tokens_per_parameter']:.3g} a parameter."
    ]
    unique = scaling["unique_tokens"]
    if unique is None:
        return [*found, "The size of the data set was not stated, so repetition is not known."]
    if scaling["epochs"] > laws["epochs_worth"]:
        found.append(
            f"The data are read {scaling['epochs']:.3g} times. Up to {laws['epochs_worth']} passes are "
            "nearly as good as new text, beyond that returns fade (Muennighoff et al. 2023): stop when the "
            "validation loss rises."
        )
    if scaling["smaller_state"] in ("exists", "none exists"):
        which = (
            f"the smaller alternative is {scaling['smaller_words']}"
            if scaling["smaller"]
            else "no configuration is small enough for them"
        )
        found.append(
            f"About {_millions(unique)} tokens support {_millions(scaling['optimal_params'])} parameters in "
            f"one pass and {_millions(scaling['repeated_params'])} in {laws['epochs_worth']}, so the guide's "
            f"table by dataset size asks for too much; {which}."
        )
    return found


def _longer_second(document: Document) -> str:
    """An adaptation that reads more than the base had read is no adaptation."""
    if len(document["phases"]) < 2:
        return ""
    base, domain = (phase["tokens_seen"] for phase in document["phases"][:2])
    if domain <= base:
        return ""
    return (
        f"Phase 2 reads more than phase 1: about {_millions(domain)} tokens after {_millions(base)}. The "
        "base then knows little beyond the domain: train phase 1 longer (--iterations), read the domain "
        "fewer times (--domain-iterations), or take a smaller configuration."
    )


def _rule(document: Document) -> str:
    """The older guide's rule of thumb, with the right figure beside it."""
    laws, scaling = plan_tables()["scaling"], document["scaling"]
    low, high = laws["rule_low"], laws["rule_high"]
    right = 1.0 / laws["tokens_per_parameter"]
    text = (
        f"The older guide's rule, parameters of {low:.0%} to {high:.0%} of the tokens, is too large: it "
        f"leaves {1 / high:.0f} to {1 / low:.0f} tokens a parameter where about "
        f"{laws['tokens_per_parameter']} are wanted, so about {right:.0%} is right"
    )
    if scaling is None or scaling["rule_params"] is None:
        return text + "."
    least, most = scaling["rule_params"]
    return (
        f"{text}. For these data: not {_millions(least)} to {_millions(most)} parameters, but "
        f"{_millions(scaling['optimal_params'])}."
    )


def _quadratic(document: Document) -> str:
    rows = document["memory_by_context"]
    first, last = rows[0], rows[-1]
    return (
        f"Memory by context is linear, not quadratic as the older guide says: with flash attention, from "
        f"{first['block_size']} to {last['block_size']} tokens activations grow "
        f"{last['activation_factor']:.1f} times and all memory {last['factor']:.1f} times (quadratic would "
        f"be {(last['block_size'] // first['block_size']) ** 2} times); without flash attention "
        f"{last['without_flash_factor']:.1f} times."
    )


def _time(document: Document) -> str:
    time = document["time"]
    if time["computed_hours"] is None:
        return f"The time is not computed: {time['computed_basis'].rsplit('; ', 1)[-1]}."
    low, high = time["implied_utilization_low"], time["implied_utilization_high"]
    if low is None:
        return ""
    share = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
    return (
        f"The guide's time means that {share} of an RTX 3090's FP16 rate is reached, or a larger batch than "
        "the one assumed here; compiled code with flash attention is faster. Time 100 iterations and "
        "multiply."
    )


def _own_config(document: Document) -> str:
    own = set(plan_tables()["domain"]["own_config"].values())
    domain = [phase for phase in document["phases"] if phase["phase"] == "domain"]
    if not domain or any(name in domain[0]["config_file"] for name in own):
        return ""
    return (
        "The guide shows a configuration of its own for domain adaptation at 750M only; here the base's file "
        "is used with the lower learning rate."
    )


def _matrix(document: Document) -> str:
    matrix = document["matrix"]
    if matrix["answer"] in (None, "yes"):
        return ""
    return f"The guide's summary answers “{matrix['asked']}” with “{matrix['answer']}” for {matrix['class']}."


def _cards(document: Document) -> str:
    count = document["hardware"]["cards"]
    if count < 2:
        return ""
    return (
        f"Planned for one of {count} cards, as the guide trains. Data-parallel training needs the same "
        f"memory on each and takes at best 1/{count} of the time."
    )
