"""The other way round: what hardware one model needs.

First the memory of each quantization on one large card, then the smallest sets of equal accelerators of the
catalog that hold a good configuration, by class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from knowledge.catalog.records import Accelerator, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.engines import options_for
from tools.fit import solve, window_refusal
from tools.fit_types import Ask, Refusal, Solution
from tools.frontier import point_json
from tools.hardware import read_hardware
from tools.hardware_types import Device, Machine
from tools.memory.estimate import device_bytes
from tools.memory.llama_cpp import runs_gguf
from tools.placing import cache_types_for, request_for
from tools.projector import projector_bytes
from tools.quant_loss import nominal_bits, quality_loss
from tools.reserve import reserved
from tools.utility import table

COUNTS = (1, 2, 4, 8)
LARGE = Machine("one large card", (Device("CUDA device", "cuda", 1 << 44, None, compute_capability=9.0),))
"""A card that holds everything, to ask what that takes."""
ALONE = ("mobile",)
"""Classes of which a machine has only one."""
OLDEST = "2017"
"""Cards from before are found on no list of what to buy or rent."""


def needs_by_quant(model: ModelRecord, ask: Ask) -> list[dict[str, Any]]:
    """Bytes on one large CUDA device, in the formats of the engine that would be used there."""
    rows = []
    for option in options_for(model, LARGE, ask.parallel, quant=ask.quant, engine=ask.engine):
        kv = cache_types_for(option, ask)[0]
        sizes = device_bytes(model, request_for(option, kv, LARGE, ask))
        beside = projector_bytes(model) if ask.vision and runs_gguf(option.engine, option.quant) else None
        rows.append(
            {
                "quant": option.quant,
                "engine": option.engine,
                "kv_cache_type": kv,
                "total_bytes": sizes.total + (beside or 0),
                "host_bytes": sizes.host,
                "quality_loss_points": round(quality_loss(model, option.quant, kv, ask.task), 2),
            }
        )
    return rows


def _single_machines() -> Iterator[tuple[Accelerator, Machine]]:
    """One accelerator each, unified chips once for every memory size they come with."""
    for record in load_catalog().accelerators:
        if record.release_date is None or record.release_date < OLDEST or record.cls == "edge":
            continue
        for size in record.memory_options_gb or (record.memory_gb,):
            named = f"{record.name} {size:g}GB" if record.memory_options_gb and size else record.name
            machines = read_hardware(named).machines
            if machines and len(machines[0].devices) == 1 and machines[0].devices[0].bandwidth_gbs:
                yield record, reserved(machines[0])


def _sets(model: ModelRecord, ask: Ask) -> Iterator[tuple[Accelerator, Machine, int, Solution]]:
    """The smallest number of each accelerator that holds a configuration above three bits."""
    for record, single in _single_machines():
        for count in COUNTS[:1] if single.devices[0].unified or record.cls in ALONE else COUNTS:
            machine = replace(single, devices=single.devices * count)
            found = _good(model, machine, ask)
            if found is not None:
                yield record, machine, count, found
                break


def _good(model: ModelRecord, machine: Machine, ask: Ask) -> Solution | None:
    """The best configuration above three bits, even where a faster one below would be chosen."""
    least, best = float(table()["spill_below_bits"]), solve(model.id, machine, ask)
    if not isinstance(best, Solution):
        return None
    if ask.quant is not None or nominal_bits(model, best.configuration.quant) >= least:
        return best
    others = [
        solve(model.id, machine, replace(ask, quant=option.quant, engine=option.engine))
        for option in options_for(model, machine, ask.parallel, engine=ask.engine)
        if nominal_bits(model, option.quant) >= least
    ]
    return max((s for s in others if isinstance(s, Solution)), key=lambda s: s.order, default=None)


def hardware_for(model: ModelRecord, ask: Ask) -> dict[str, Any]:
    """The document of `fit` with `find_hardware`: memory by quantization, and sets that hold the model.

    Args:
        model: the model.
        ask: what it must hold; a minimum speed excludes what is slower.
    """
    window = window_refusal(model, ask.context)
    document: dict[str, Any] = {
        "model": model.name,
        "model_id": model.id,
        "context": ask.context,
        "parallel": ask.parallel,
        "needs": [],
        "hardware": [],
    }
    if isinstance(window, Refusal):
        error = {"code": window.constraint, "message": f"{model.name}: {window.reason}.", "hint": ""}
        error["hint"] = "Ask for a shorter context."
        return document | {"error": error}
    document["needs"] = needs_by_quant(model, ask)
    found = sorted(
        _sets(model, replace(ask, offload=False)),
        key=lambda item: (sum(d.memory_bytes for d in item[1].devices), item[2], -item[3].speed),
    )
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    for record, machine, count, solution in found:
        device = machine.devices[0]
        row = {"name": device.name, "count": count, "class": record.cls}
        row["accelerator_bytes"] = device.memory_bytes * count
        kept.setdefault((record.cls, count), row | point_json(solution))
    document["hardware"] = sorted(kept.values(), key=lambda row: (row["count"], row["accelerator_bytes"]))
    document["caveats"] = [
        "Sets of equal accelerators from the catalog; offload to system memory is not counted."
    ]
    return document
