"""Whether an engine runs an architecture, a weight format and a device, from the catalog's sourced tables.

Answers are yes, no, or None where nobody is known to have said; None excludes nothing and is said.
"""

from __future__ import annotations

import re
from functools import lru_cache

from knowledge.catalog.accelerators import resolve_accelerator
from knowledge.catalog.records import Engine, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.catalog.support import FormatSupport
from knowledge.errors import AdvisorError
from tools.hardware_types import Device, Machine

GGUF_ENGINES = ("llama.cpp", "ollama", "lmstudio")


@lru_cache(maxsize=256)
def gfx_of(name: str) -> str | None:
    """The AMD architecture of an accelerator, such as gfx1100; None where it is not known."""
    try:
        record = resolve_accelerator(load_catalog(), name)
    except AdvisorError:
        return None
    found = re.search(r"gfx\w+", record.architecture or "")
    return found[0] if found else None


def runs_architecture(engine_id: str, model: ModelRecord) -> bool | None:
    """Whether an engine that does not read GGUF files runs a model's architecture."""
    support = load_catalog().engine_support.get(engine_id)
    arch = model.architecture.arch if model.architecture is not None else None
    if support is None or arch is None:
        return None
    if arch in support.not_run:
        return False
    return True if arch in support.runs or arch in support.since else None


def runs_on(engine: Engine, machine: Machine) -> bool | None:
    """Whether an engine runs on a machine's devices."""
    if not machine.devices:
        return "cpu" in engine.backends
    verdicts = [_runs_on(engine, device) for device in machine.devices]
    return False if False in verdicts else None if None in verdicts else True


def _runs_on(engine: Engine, device: Device) -> bool | None:
    if device.kind not in engine.backends:
        return False
    if device.kind == "cuda":
        least, there = engine.compute_capability, device.compute_capability
        if least is None:
            return True  # The engine lists CUDA and asks for nothing more.
        return None if there is None else there >= least
    if device.kind == "rocm":
        gfx = gfx_of(device.name)
        return None if engine.gfx is None or gfx is None else gfx in engine.gfx
    return True


def _format(engine_id: str, quant: str) -> FormatSupport | None:
    support = load_catalog().engine_support.get(engine_id)
    rows = support.formats if support is not None else ()
    return next((row for row in rows if quant.upper() in (name.upper() for name in row.formats)), None)


def runs_format(engine_id: str, quant: str, machine: Machine) -> bool | None:
    """Whether an engine computes with a weight format on a machine's devices."""
    row = _format(engine_id, quant)
    if row is None:
        return None
    if not machine.devices:
        return row.cpu
    verdicts = [_runs_format(row, device) for device in machine.devices]
    return False if False in verdicts else None if None in verdicts else True


def _runs_format(row: FormatSupport, device: Device) -> bool | None:
    if device.kind == "cuda":
        capability = device.compute_capability
        return None if row.cuda is None or capability is None else capability >= row.cuda
    if device.kind == "rocm":
        if row.gfx is None or isinstance(row.gfx, bool):
            return row.gfx
        gfx = gfx_of(device.name)
        return None if gfx is None else gfx in row.gfx
    return row.metal if device.kind == "metal" else None


def support_caveats(
    model: ModelRecord, engine_id: str, quant: str, machine: Machine | None
) -> tuple[str, ...]:
    """What is known not to run, what is not known, and where a format only saves memory.

    Args:
        model: the model.
        engine_id: an engine of the catalog; those that read GGUF files have no caveats here.
        quant: weight format.
        machine: where it runs; None says nothing about hardware.
    """
    engine = load_catalog().engines.get(engine_id)
    if engine is None or engine_id in GGUF_ENGINES:
        return ()
    found = []
    arch = model.architecture.arch if model.architecture is not None else None
    known = runs_architecture(engine_id, model)
    if known is False:
        found.append(f"{engine.name} does not run the {arch} architecture.")
    elif known is None:
        what = f"the {arch} architecture" if arch else "this model's architecture"
        found.append(f"Whether {engine.name} runs {what} is not known: look it up before you plan with it.")
    since = load_catalog().engine_support[engine_id].since if known else {}
    if arch in since:
        found.append(f"{engine.name} runs the {arch} architecture since release {since[arch]}.")
    return (*found, *(_hardware(engine, quant, machine) if machine is not None else ()))


def _hardware(engine: Engine, quant: str, machine: Machine) -> list[str]:
    found = []
    where = machine.devices[0].name if machine.devices else "a machine without accelerator"
    if (there := runs_on(engine, machine)) is not True:
        found.append(
            f"{engine.name} does not run on {where}."
            if there is False
            else f"Whether {engine.name} runs on {where} is not known."
        )
        return found
    capabilities = [d.compute_capability for d in machine.devices if d.compute_capability is not None]
    least = min(capabilities, default=None)
    if (
        least is not None
        and engine.compute_capability_now is not None
        and least < engine.compute_capability_now
    ):
        found.append(
            f"Current releases of {engine.name} need compute capability {engine.compute_capability_now:g}; "
            f"{where} has {least:g}, so an older release is needed."
        )
    reads = runs_format(engine.id, quant, machine)
    if reads is False:
        found.append(f"{engine.name} does not compute with {quant} weights on {where}.")
    row = _format(engine.id, quant)
    below = row.weights_only_below if row is not None else None
    if reads and least is not None and below is not None and least < below:
        found.append(f"{where} has no {quant} units: weights are stored in {quant} and computed in 16 bits.")
    return found
