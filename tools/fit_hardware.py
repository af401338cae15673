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
from tools.engines import native_quant
from tools.fit import solve, window_refusal
from tools.fit_types import Ask, Refusal, Solution
from tools.frontier import point_json
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes
from tools.memory.types import MemoryRequest
from tools.quant_loss import quality_loss
from tools.reserve import reserved
from tools.utility import table

COUNTS = (1, 2, 4, 8)
ALONE = ("mobile",)
"""Classes of which a machine has only one."""
OLDEST = "2017"
"""Cards from before are found on no list of what to buy or rent."""


def needs_by_quant(model: ModelRecord, ask: Ask) -> list[dict[str, Any]]:
    """Bytes on one CUDA device by quantization, with an f16 cache unless another is asked for."""
    native = native_quant(model)
    quants = [ask.quant] if ask.quant else [native] if native else list(table()["ladders"]["gguf"])
    kv, rows = ask.kv_cache_type or "f16", []
    for quant in quants:
        request = MemoryRequest(
            quant=quant,
            context=ask.context * ask.parallel,
            kv_cache_type=kv,
            parallel=ask.parallel,
            ubatch_size=ask.ubatch_size,
            flash_attention=ask.flash_attention,
        )
        sizes = device_bytes(model, request)
        rows.append(
            {
                "quant": quant,
                "kv_cache_type": kv,
                "total_bytes": sizes.total,
                "host_bytes": sizes.host,
                "quality_loss_points": round(quality_loss(model, quant, kv, ask.task), 2),
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
    least = float(table()["spill_below_bits"])
    for record, single in _single_machines():
        for count in COUNTS[:1] if single.devices[0].unified or record.cls in ALONE else COUNTS:
            machine = replace(single, devices=single.devices * count)
            found = solve(model.id, machine, ask)
            if isinstance(found, Solution):
                bits = load_catalog().quantizations.get(found.configuration.quant)
                if ask.quant is not None or bits is None or bits.bits_per_weight >= least:
                    yield record, machine, count, found
                    break


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
