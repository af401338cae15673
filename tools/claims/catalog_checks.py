"""Facts of models and accelerators, as the catalog has them."""

from __future__ import annotations

import re
from collections.abc import Callable

from knowledge.catalog.api_models import read_price_map
from knowledge.catalog.records import Accelerator, Architecture, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.claims.types import Claim
from tools.claims.subjects import models_of, the_model
from tools.claims.types import Calculated, Unknown
from tools.memory.types import Evidence

_SIZE = re.compile(r"(?<![\d.])(?:(?P<count>\d+)x)?(?P<size>\d+(?:\.\d+)?)b(?![a-z\d])", re.IGNORECASE)
_ACTIVE = re.compile(r"(?<![a-z])a(?P<size>\d+(?:\.\d+)?)b(?![a-z\d])", re.IGNORECASE)


def _fact(model: ModelRecord, field: str) -> tuple[Evidence, ...]:
    sources = load_catalog().sources(model.id)
    return (
        Evidence(
            "catalog", sources.get(field) or sources.get("*") or "model catalog", f"{model.id}: {field}"
        ),
    )


def window(claim: Claim) -> Calculated | Unknown:
    """The native window in tokens."""
    if claim.subject.kind == "api":
        return _api_window(claim)
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    sizes = [
        float(size)
        for model in models
        if (
            size := model.embedding.max_tokens
            if model.embedding and model.embedding.max_tokens
            else model.context_length
        )
    ]
    if not sizes:
        return Unknown(f"the window of {claim.subject.text} is not known")
    if len(set(sizes)) > 1 and len(models) > 3:
        return Unknown(f"{claim.subject.text} could be any of {len(models)} models")
    words = "native window of the publisher's configuration, without YaRN"
    return Calculated(
        min(sizes), max(sizes), words, _fact(models[0], "context_length"), accepted=tuple(sizes)
    )


def _api_window(claim: Claim) -> Calculated | Unknown:
    prices = read_price_map()
    records = [record for key in claim.subject.ids if (record := prices.record(key)) is not None]
    sizes = [float(record.max_input_tokens) for record in records if record.max_input_tokens]
    if not sizes:
        return Unknown(f"the price map has no window of {claim.subject.text}")
    evidence = Evidence("catalog", prices.source, f"{records[0].key}: max_input_tokens")
    rows = [prices.rows.get(record.key) or {} for record in records]
    whole = tuple(float(value) for row in rows if isinstance(value := row.get("max_tokens"), int))
    total = tuple(
        float(r.max_input_tokens + r.max_output_tokens)
        for r in records
        if r.max_input_tokens and r.max_output_tokens
    )
    return Calculated(
        min(sizes),
        max(sizes),
        "window of the price map",
        (evidence,),
        accepted=(*whole, *total) if not whole or max(whole) > max(sizes) else total,
    )


def parameters(claim: Claim) -> Calculated | Unknown:
    """Parameters in all; the size that a name carries is right as well."""
    model = the_model(claim)
    if isinstance(model, Unknown):
        return model
    if model.params_total is None:
        return Unknown(f"the parameters of {model.name} are not known")
    named = [float(m["size"]) * 1e9 for m in _SIZE.finditer(model.name) if not m["count"]][:1]
    return Calculated(
        model.params_total,
        model.params_total,
        "parameters in all",
        _fact(model, "params_total"),
        accepted=tuple(named),
    )


def active(claim: Claim) -> Calculated | Unknown:
    """Parameters that a token passes through."""
    model = the_model(claim)
    if isinstance(model, Unknown):
        return model
    if model.params_active is None:
        return Unknown(f"the active parameters of {model.name} are not known")
    named = [float(m["size"]) * 1e9 for m in _ACTIVE.finditer(model.name)][:1]
    low = high = float(model.params_active)
    if low in named:
        low, high = 0.9 * low, 1.15 * high  # known from the name alone, which rounds
    return Calculated(
        low,
        high,
        "active parameters",
        _fact(model, "params_active"),
        accepted=tuple(named),
    )


def _of_shape(name: str, read: Callable[[Architecture], int]) -> Callable[[Claim], Calculated | Unknown]:
    def checker(claim: Claim) -> Calculated | Unknown:
        models = models_of(claim.subject)
        if isinstance(models, Unknown):
            return models
        found = {read(model.architecture) for model in models if model.architecture is not None}
        if len(found) != 1:
            return Unknown(
                f"the {name} of {claim.subject.text} are not known"
                if not found
                else f"{claim.subject.text} could be any of {len(models)} models"
            )
        value = found.pop()
        return Calculated(value, value, name, _fact(models[0], "architecture"))

    return checker


layers = _of_shape("layers", lambda shape: shape.layers)
heads = _of_shape("attention heads", lambda shape: shape.heads)
kv_heads = _of_shape("KV heads", lambda shape: shape.kv_heads)
vocabulary = _of_shape("vocabulary entries", lambda shape: shape.vocab)


def dimensions(claim: Claim) -> Calculated | Unknown:
    """Length of an embedder's vectors; shorter ones that it was trained for are right as well."""
    model = the_model(claim)
    if isinstance(model, Unknown):
        return model
    if model.embedding is None or model.embedding.dimensions is None:
        return Unknown(f"the vectors of {model.name} are not known")
    size = model.embedding.dimensions
    shorter = tuple(float(value) for value in model.embedding.dimensions_mrl)
    return Calculated(size, size, "length of the vectors", _fact(model, "embedding"), accepted=shorter)


def _cards(claim: Claim) -> tuple[Accelerator, ...]:
    names = set(claim.subject.ids)
    return tuple(card for card in load_catalog().accelerators if card.name in names)


def _card_fact(card: Accelerator, field: str) -> tuple[Evidence, ...]:
    return (Evidence("catalog", card.source, f"{card.name}: {field}"),)


def device_memory(claim: Claim) -> Calculated | Unknown:
    """Memory of an accelerator as sold; every size that it is sold with is right."""
    cards = [card for card in _cards(claim) if card.memory_gb]
    if not cards:
        return Unknown(f"the memory of {claim.subject.text} is not known")
    sizes = [size * 1e9 for card in cards for size in (card.memory_options_gb or (card.memory_gb or 0.0,))]
    told = " or ".join(f"{size / 1e9:g}" for size in sorted(set(sizes)))
    return Calculated(
        min(sizes),
        max(sizes),
        f"sold with {told} GB",
        _card_fact(cards[0], "memory_gb"),
        accepted=tuple(sizes),
        note="sizes",
    )


def bandwidth(claim: Claim) -> Calculated | Unknown:
    """Theoretical memory bandwidth."""
    cards = [card for card in _cards(claim) if card.bandwidth_gbs]
    if not cards:
        return Unknown(f"the bandwidth of {claim.subject.text} is not known")
    rates = [(card.bandwidth_gbs or 0.0) * 1e9 for card in cards]
    return Calculated(
        min(rates),
        max(rates),
        "theoretical memory bandwidth",
        _card_fact(cards[0], "bandwidth_gbs"),
        accepted=tuple(rates),
        note="sizes",
    )


def license_of(claim: Claim) -> Calculated | Unknown:
    """The license of a model, or of all that a family's name could mean."""
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    known = {_class(model.license) for model in models if model.license not in (None, "other")}
    if not known:
        return Unknown(f"the license of {claim.subject.text} is not known")
    right = claim.text_value in known
    if len(known) > 1 and (right or len(models) > 1):
        return Unknown(
            f"{claim.subject.text} could be any of {len(models)} models under {len(known)} licenses"
        )
    names = sorted({str(model.license) for model in models if model.license not in (None, "other")})
    return Calculated(
        0, 0, f"license {', '.join(names)}", _fact(models[0], "license"), texts=(*sorted(known), *names)
    )


def _class(license_id: str | None) -> str:
    """A license as claims name it."""
    name = (license_id or "").lower()
    for start in ("llama", "gemma", "modified-mit", "deepseek", "qwen-research"):
        if name.startswith(start):
            return start
    return "openrail" if "openrail" in name else name


def commercial_use(claim: Claim) -> Calculated | Unknown:
    """Whether a model may be used commercially: `conditional` allows it under conditions."""
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    uses = {model.commercial_use for model in models}
    if "unknown" in uses or len(models) > 3 or len({use == "no" for use in uses}) > 1:
        return Unknown(f"the license of {claim.subject.text} was not read, or several models could be meant")
    value = "no" if "no" in uses else "yes"
    told = ", ".join(sorted({f"{model.license}: commercial use {model.commercial_use}" for model in models}))
    return Calculated(0, 0, told, _fact(models[0], "license"), texts=(value,))
