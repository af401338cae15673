"""Prices of API models, rents and speeds."""

from __future__ import annotations

from functools import lru_cache

from knowledge.catalog.api_models import read_price_map
from knowledge.catalog.records import ApiModel
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.claims.types import Claim
from tools.budget import room_of
from tools.claims.memory_checks import LOOSE, estimate
from tools.claims.subjects import models_of, quants_of
from tools.claims.types import Calculated, Unknown
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.memory.types import Evidence
from tools.price_claims import PriceClaim, price_claim
from tools.prices import rents
from tools.speed import estimate_speed

_ANY_QUANT = ("Q4_K_M", "F16")


def _listed(claim: Claim) -> list[ApiModel]:
    prices = read_price_map()
    found = [record for key in claim.subject.ids if (record := prices.record(key)) is not None]
    return [
        record
        for record in found
        if record.input_usd_per_mtok is not None and record.output_usd_per_mtok is not None
    ]


def price(claim: Claim) -> Calculated | Unknown:
    """Dollars per million tokens: of the maker, or of hosts where the maker serves the model no longer."""
    index = {"input_price": (0,), "output_price": (1,)}.get(claim.quantity, (0, 1))
    records = _listed(claim)
    told = price_claim(claim.subject.text)
    then = None if told is None else (told.then.input_usd, told.then.output_usd)
    if not records:
        return _past(claim, told, then, index)
    pairs = [(float(r.input_usd_per_mtok or 0), float(r.output_usd_per_mtok or 0)) for r in records]
    values = [pair[i] for pair in pairs for i in index]
    if claim.past and then is None:
        return Unknown("it is told of an earlier time, whose prices are not kept")
    accepted = list(values)
    retired = len(claim.subject.ids) > 1 or any(r.ends is not None for r in records)
    if then is not None and (claim.past or (retired and told is not None and told.now is None)):
        accepted += [then[i] for i in index]
    for record in records:
        longer = (record.long_input_usd_per_mtok, record.long_output_usd_per_mtok)
        accepted += [
            value for i in index if (value := longer[i]) is not None and "above" in claim.words.lower()
        ]
    source = read_price_map().source
    which = "/".join(("in", "out")[i] for i in index)
    words = f"price map, dollars per million tokens {which}"
    if len(claim.subject.ids) > 1:
        words += "; other hosts, as the maker no longer serves it"
    return Calculated(
        min(values),
        max(values),
        words,
        (Evidence("catalog", source, records[0].key),),
        accepted=tuple(accepted),
        note="sizes",
    )


def _past(
    claim: Claim, told: PriceClaim | None, then: tuple[float, float] | None, index: tuple[int, ...]
) -> Calculated | Unknown:
    if told is None or then is None:
        return Unknown(f"the price map lists no {claim.subject.text}")
    values = [then[i] for i in index]
    accepted = list(values)
    # "later $1.25": which of its prices held when is not kept.
    if claim.past and claim.stated is not None and claim.stated.low not in values:
        return Unknown("it is told of an earlier time, whose prices are not kept")
    note = f" ({told.then_note})" if told.then_note else ""
    words = f"what {told.maker} asked at the time{note}; the model is retired"
    return Calculated(min(values), max(values), words, told.evidence, accepted=tuple(accepted), note="sizes")


def rent(claim: Claim) -> Calculated | Unknown:
    """Dollars per hour of one rented accelerator."""
    names = set(claim.subject.ids)
    found = [one for one in rents() if one.name in names]
    if not found:
        return Unknown(f"no rents of {claim.subject.text} are kept")
    figures = [figure for one in found for figure in (one.community, one.secure) if figure is not None]
    low, high = min(f.value.low for f in figures), max(f.value.high for f in figures)
    evidence = tuple(figure.evidence for figure in figures[:2])
    return Calculated(low, high, "rents per hour, spot and reliable hosts", evidence)


@lru_cache(maxsize=256)
def _machine(name: str, count: int) -> Machine | None:
    found = read_hardware(f"{count}x {name}" if count > 1 else name).machines
    return found[0] if found and found[0].devices else None


@follows_models
@lru_cache(maxsize=4096)
def _speed(model_id: str, quant: str, device: str, count: int, context: int) -> tuple[float, float] | None:
    model, machine = load_catalog().model(model_id), _machine(device, count)
    size = estimate(model_id, quant, context, "f16")
    if model is None or machine is None or size is None:
        return None
    room = room_of(machine).total_bytes
    on_device = 1.0 if size.weights_bytes <= room * 1.06 else max(0.05, room / size.total_bytes)
    if on_device < 1.0 and machine.ram_bandwidth_gbs is None:
        return None
    found = estimate_speed(model, quant, machine, context=context, gpu_share=on_device)
    return None if found is None else (found.low, found.high)


def speed(claim: Claim) -> Calculated | Unknown:
    """Tokens per second of one conversation, with a short and with a usual context."""
    if claim.conditions.loose:
        return Unknown(LOOSE)
    models = models_of(claim.subject)
    if isinstance(models, Unknown):
        return models
    if not claim.conditions.devices:
        return Unknown("the device is not said")
    quants = quants_of(claim.conditions.quant) if claim.conditions.quant else _ANY_QUANT
    contexts = (claim.conditions.context,) if claim.conditions.context else (512, 8192)
    pairs = [
        _speed(model.id, quant, device, claim.conditions.device_count, context)
        for model in models
        for quant in quants
        for device in claim.conditions.devices[:3]
        for context in contexts
    ]
    found = [pair for pair in pairs if pair is not None]
    if not found:
        return Unknown(f"the speed of {claim.subject.text} there is not computed")
    count = f"{claim.conditions.device_count}x " if claim.conditions.device_count > 1 else ""
    where = f"{claim.subject.text} in {'/'.join(quants)} on {count}{claim.conditions.devices[0]}"
    words = f"{where}: fitted bandwidth / bytes read per token"
    return Calculated(
        min(low for low, _ in found),
        max(high for _, high in found),
        words,
        (Evidence("tool", "estimate_speed", words),),
    )
