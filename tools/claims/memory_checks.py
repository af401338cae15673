"""Sizes and memory, computed by the memory engine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.claims.types import Claim
from knowledge.errors import AdvisorError
from tools.claims.subjects import REFERENCES, models_of, quants_of
from tools.claims.types import Calculated, Unknown
from tools.memory.estimate import estimate_memory
from tools.memory.generic import is_encoder
from tools.memory.types import Evidence, MemoryEstimate, MemoryRequest, TrainingMethod, TrainingRequest

GIB = 1 << 30
SHORT, USUAL, LONG = 2048, 8192, 16384
"""Contexts in tokens between which a statement without one is taken to be."""
SIXTEEN = ("F16", "BF16")
_SERVED = frozenset({"AWQ", "GPTQ", "FP8", "NVFP4", "BNB-NF4"})
_WIDEST = ("Q2_K", "F16")
_METHODS: dict[str, TrainingMethod] = {"full": "full", "lora": "lora", "qlora": "qlora"}
NO_QUANT = "the quantization is not said"
LOOSE = "it is stated for circumstances that are not computed (an engine's options, a batch, several users)"


@follows_models
@lru_cache(maxsize=8192)
def estimate(model_id: str, quant: str, context: int, kv_type: str) -> MemoryEstimate | None:
    """The engine's figures; None where it has none."""
    model = load_catalog().model(model_id)
    if model is None:
        return None
    engine = "transformers" if is_encoder(model) else "vllm" if quant in _SERVED else "llama.cpp"
    window = model.context_length if is_encoder(model) else None
    try:
        return estimate_memory(
            model,
            MemoryRequest(
                quant=quant, context=min(context, window or context), kv_cache_type=kv_type, engine=engine
            ),
        )
    except (AdvisorError, ValueError):
        return None


def _estimates(
    models: Iterable[ModelRecord], quants: Iterable[str], context: int, kv_type: str
) -> list[MemoryEstimate]:
    found = [estimate(model.id, quant, context, kv_type) for model in models for quant in quants]
    return [one for one in found if one is not None]


def _evidence(found: list[MemoryEstimate], what: str) -> tuple[Evidence, ...]:
    basis = found[0].basis[:1] if found else ()
    return (Evidence("tool", "estimate_memory", what), *basis)


def _quants(claim: Claim, models: tuple[ModelRecord, ...]) -> tuple[str, ...]:
    if claim.conditions.quant is not None:
        return quants_of(claim.conditions.quant)
    return ("F16",) if all(is_encoder(model) for model in models) else ()


def file_size(claim: Claim) -> Calculated | Unknown:
    """Bytes of the weights, as a file or loaded."""
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    quants = _quants(claim, models)
    if not quants:
        return _outside(claim, models, weights=True)
    found = _estimates(models, quants, USUAL, "f16")
    if not found:
        return Unknown(f"no size is known of {claim.subject.text} in {claim.conditions.quant}")
    sizes = [one.file_bytes for one in found]
    loaded = [one.weights_bytes for one in found]
    low, high = min(sizes), max(sizes)
    if claim.conditions.quant == "4-bit" and models[0].params_total:
        low = min(low, *(int(model.params_total or 0) // 2 for model in models))
    words = f"weights of {claim.subject.text} in {', '.join(quants)}: sum of the tensors"
    return Calculated(
        low, high, words, _evidence(found, words), accepted=tuple(float(size) for size in loaded)
    )


def memory(claim: Claim) -> Calculated | Unknown:
    """Bytes that use takes on one device: weights, cache and scratch, with and without the driver."""
    if claim.conditions.loose:
        return Unknown(LOOSE)
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    quants = _quants(claim, models)
    if not quants:
        return _outside(claim, models, weights=False)
    if any(quant in _SERVED for quant in quants) and not all(is_encoder(model) for model in models):
        return Unknown("engines that serve this format claim the memory that they are given")
    kv_type = claim.conditions.kv_type or "f16"
    context = claim.conditions.context
    few = _estimates(models, quants, context or SHORT, kv_type)
    many = _estimates(models, quants, context or LONG, kv_type)
    if not few or not many:
        return Unknown(f"no memory is known of {claim.subject.text} in {claim.conditions.quant}")
    low = min(one.total_bytes - one.overhead_bytes for one in few)
    if context is None:
        # Where no context is said, the size of the file is often told as what a model needs.
        low = min(low, *(one.file_bytes for one in few))
    if all(is_encoder(model) for model in models):
        low = min(one.weights_bytes for one in few)
    high = max(one.high_bytes for one in many)
    if claim.negated:
        high = max(one.total_bytes for one in _estimates(models, quants, context or USUAL, kv_type))
    told = f"{context:,} tokens" if context else f"{SHORT:,} to {LONG:,} tokens of context, as none is said"
    words = f"weights + cache + scratch of {claim.subject.text} in {'/'.join(quants)} with {told}"
    return Calculated(low, high, f"{words}; {many[-1].formula}", _evidence(many, words))


def _outside(claim: Claim, models: tuple[ModelRecord, ...], *, weights: bool) -> Calculated | Unknown:
    """Without a quantization only what no quantization reaches can be called wrong."""
    low_quant, high_quant = _WIDEST
    least = _estimates(models, (low_quant,), SHORT, "f16")
    most = _estimates(models, (high_quant,), 32768, "f16")
    if not least or not most or claim.stated is None:
        return Unknown(NO_QUANT)
    low = min(one.file_bytes if weights else one.weights_bytes for one in least)
    high = max(one.file_bytes if weights else one.high_bytes for one in most)
    stated = claim.stated
    factor = max(stated.scales)
    beyond = claim.negated is False and (stated.high + stated.half) * factor < low * 0.97
    above = stated.hedge != "at most" and (stated.low - stated.half) > high * 1.2 and not claim.negated
    if not beyond and not above:
        return Unknown(NO_QUANT)
    words = f"from {low_quant} to {high_quant}, as no quantization is said"
    return Calculated(low, high, f"{claim.subject.text}, {words}", _evidence(least, words))


def cache(claim: Claim) -> Calculated | Unknown:
    """Bytes of the KV cache, with recurrent state, of one conversation."""
    if claim.conditions.loose:
        return Unknown(LOOSE)
    if claim.conditions.context is None:
        return Unknown("the context is not said")
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    found = _estimates(models, ("Q4_K_M",), claim.conditions.context, claim.conditions.kv_type or "f16")
    if not found:
        return Unknown(f"the cache of {claim.subject.text} is not known")
    sizes = [one.kv_cache_bytes for one in found]
    kv_type = claim.conditions.kv_type or "f16"
    words = f"{kv_type} cache of {claim.subject.text} at {claim.conditions.context:,} tokens"
    return Calculated(min(sizes), max(sizes), words, _evidence(found, words))


def cache_per_token(claim: Claim) -> Calculated | Unknown:
    """Bytes that one more token takes in the cache."""
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    kv_type = claim.conditions.kv_type or "f16"
    few, many = (_estimates(models, ("Q4_K_M",), tokens, kv_type) for tokens in (16384, 32768))
    if not few or len(few) != len(many):
        return Unknown(f"the cache of {claim.subject.text} is not known")
    each = [(b.kv_cache_bytes - a.kv_cache_bytes) / 16384 for a, b in zip(few, many, strict=True)]
    words = (
        f"{kv_type} cache of {claim.subject.text}: keys and values of all layers that keep the whole context"
    )
    return Calculated(min(each), max(each), words, _evidence(many, words))


def _ratio(claim: Claim, per_parameter: bool) -> Calculated | Unknown:
    """Bits a weight, or the size as a share of 16 bits, of a model or of common ones."""
    quant = claim.conditions.quant or (claim.subject.ids[0] if claim.subject.kind == "quant" else None)
    if quant is None:
        return Unknown(NO_QUANT)
    if claim.subject.kind == "quant":
        catalog = load_catalog()
        models = tuple(model for name in REFERENCES if (model := catalog.model(name)) is not None)
    else:
        named = models_of(claim.subject)
        if isinstance(named, Unknown):
            return named
        models = named
    found = []
    for model in models:
        whole = estimate(model.id, "F16", USUAL, "f16")
        for name in quants_of(quant):
            one = estimate(model.id, name, USUAL, "f16")
            if one is not None and whole is not None and model.params_total and name not in _SERVED:
                found.append(
                    one.file_bytes * 8 / model.params_total
                    if per_parameter
                    else 100 * one.file_bytes / whole.file_bytes
                )
    if not found:
        return Unknown(f"the size of {quant} is not computed")
    words = f"file in {quant} / {'parameters' if per_parameter else 'file in F16'}" + (
        f" of {claim.subject.text}"
        if claim.subject.kind == "model"
        else f", over {len(models)} common models"
    )
    return Calculated(min(found), max(found), words, (Evidence("tool", "estimate_memory", words),))


def bits(claim: Claim) -> Calculated | Unknown:
    """Real bits a weight."""
    return _ratio(claim, per_parameter=True)


def share(claim: Claim) -> Calculated | Unknown:
    """Per cent of the size in 16 bits."""
    return _ratio(claim, per_parameter=False)


@follows_models
@lru_cache(maxsize=1024)
def _trained(model_id: str, method: TrainingMethod, framework: str, tokens: int) -> tuple[int, int] | None:
    from tools.memory.training import estimate_training

    model = load_catalog().model(model_id)
    if model is None:
        return None
    try:
        asked = TrainingRequest(method=method, sequence_length=tokens, framework=framework)
        found = estimate_training(model, asked)
    except (AdvisorError, ValueError):
        return None
    return found.low_bytes, found.high_bytes


def training(claim: Claim) -> Calculated | Unknown:
    """Bytes of a training run on one device, over frameworks, from short to usual sequences."""
    method = _METHODS.get(claim.conditions.method or "")
    if method is None:
        return Unknown("the training method is not said")
    if claim.conditions.loose or claim.conditions.device_count > 1:
        return Unknown(LOOSE)
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    tokens = claim.conditions.context
    low = [_trained(m.id, method, name, tokens or 256) for m in models for name in ("unsloth", "torchtune")]
    high = [_trained(m.id, method, "transformers", tokens or 4096) for m in models]
    lows, highs = [pair[0] for pair in low if pair], [pair[1] for pair in high if pair]
    if not lows or not highs:
        return Unknown(f"the training memory of {claim.subject.text} is not computed")
    told = f"{tokens:,} tokens" if tokens else "sequences of 256 to 4,096 tokens"
    words = f"{method} of {claim.subject.text}, batch 1, {told}, most sparing framework to plain transformers"
    return Calculated(
        min(lows), max(highs), words, (Evidence("tool", "estimate_memory", f"train={method}; {words}"),)
    )
