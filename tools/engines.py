"""Which engine and weight format a model can use on a machine, best first.

What an engine reads and where it runs is data of the catalog; what a model is published as is a field of its
record.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Engine, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.engine_support import GGUF_ENGINES, runs_architecture, runs_format, runs_on, support_caveats
from tools.hardware_types import Machine
from tools.memory.generic import is_encoder
from tools.utility import table

__all__ = ["GGUF_ENGINES", "Option", "backend_of", "gguf_seen", "native_quant", "options_for"]

OFFLOADER = "llama.cpp"
"""The engine that places layers and experts as it is told."""
ENCODER_ENGINE = "transformers"
ENCODER_QUANTS = ("F16", "BF16", "F32")


@dataclass(frozen=True, slots=True)
class Option:
    """One engine with one weight format."""

    engine: str
    quant: str
    format: str
    support: int
    """0 to 100: how surely this combination exists for this model."""
    caveats: tuple[str, ...] = ()


def backend_of(machine: Machine) -> str:
    """The kind of the machine's devices; `cpu` without one."""
    return machine.devices[0].kind if machine.devices else "cpu"


def gguf_seen(model: ModelRecord) -> bool:
    """Whether the catalog saw a GGUF file of the model."""
    return bool(model.gguf_available or model.gguf_repo or model.ollama_tag)


def has_gguf(model: ModelRecord) -> bool:
    """Whether a GGUF file is known, or the architecture is one that llama.cpp reads."""
    if gguf_seen(model):
        return True
    return model.gguf_available is None and bool(model.architecture and model.architecture.arch)


def engine_order(machine: Machine, parallel: int, engines: dict[str, Engine]) -> list[Engine]:
    """Engines for this machine and number of conversations, best first."""
    backend = backend_of(machine)
    rules = table()
    if parallel >= int(rules["many_users_from"]) and backend in ("cuda", "rocm"):
        names = list(rules["server_engines"])
    elif len(machine.devices) > 1:
        names = ["llama.cpp"]
    else:
        names = [str(rules["desktop_engine"]), "llama.cpp"]
    return [engines[n] for n in names if n in engines and backend in engines[n].backends]


def native_quant(model: ModelRecord) -> str | None:
    """The 4-bit format that a model was trained and published in, where it has one."""
    native = table()["native"].get(model.architecture.arch) if model.architecture else None
    return str(native) if native is not None else None


def own_quant(model: ModelRecord) -> str | None:
    """The quantization of the file that a person added; None for models of the catalog."""
    return model.added.quant if model.added is not None else None


def published_quant(model: ModelRecord) -> str | None:
    """The one quantization that a model is used in: that of its file, or the format it was trained in."""
    return own_quant(model) or native_quant(model)


def _ladder(model: ModelRecord, format_: str, quant: str | None) -> list[str]:
    if quant is not None:
        return [quant]
    native = published_quant(model)
    return [native] if native else list(table()["ladders"][format_])


def _caveats(
    model: ModelRecord, engine: Engine, format_: str, quant: str, machine: Machine
) -> tuple[str, ...]:
    if format_ == "gguf":
        if gguf_seen(model):
            return ()
        return ("No GGUF upload was seen by the catalog: look for one, or convert the model yourself.",)
    known = support_caveats(model, engine.id, quant, machine)
    if quant in ("AWQ", "GPTQ"):
        return (f"Needs an {quant} upload of this model, or a quantization run of your own.", *known)
    return known


def _runs(model: ModelRecord, engine: Engine, machine: Machine) -> bool:
    """False where an engine is known not to run the model or on the machine."""
    if runs_on(engine, machine) is False:
        return False
    return engine.id in GGUF_ENGINES or runs_architecture(engine.id, model) is not False


def options_for(
    model: ModelRecord,
    machine: Machine,
    parallel: int,
    *,
    quant: str | None = None,
    engine: str | None = None,
    offload: bool = False,
) -> list[Option]:
    """All combinations of engine and weight format worth solving, for the best engine that runs the model.

    Args:
        model: the model.
        machine: where it runs.
        parallel: conversations at once.
        quant: keep this quantization.
        engine: keep this engine.
        offload: only engines that place layers and experts as they are told.
    """
    if is_encoder(model) and engine in (None, ENCODER_ENGINE) and quant in (None, *ENCODER_QUANTS):
        usual = "F16" if machine.devices else "F32"
        return [] if offload else [Option(ENCODER_ENGINE, quant or usual, "safetensors", 100)]
    found: list[Option] = []
    for item in _engines_for(machine, parallel, quant, engine):
        if (offload and item.id != OFFLOADER) or not _runs(model, item, machine):
            continue
        format_ = next((f for f in item.formats if f in table()["ladders"]), item.formats[0])
        if not _has_files(model, item, format_, named=engine is not None):
            continue
        ladder = _ladder(model, format_, quant)
        usable = [q for q in ladder if format_ == "gguf" or runs_format(item.id, q, machine) is not False]
        found += [
            Option(
                item.id, q, format_, _support(model, format_, q), _caveats(model, item, format_, q, machine)
            )
            for q in usable
        ]
        if usable == ladder and found:
            break  # The next engine is asked where this one lacks a format on this hardware.
    return found


def _engines_for(machine: Machine, parallel: int, quant: str | None, engine: str | None) -> list[Engine]:
    """The engine that was named, those that read the quantization that was, or the usual ones, best first."""
    engines = load_catalog().engines
    if engine in engines:
        return [engines[engine]]
    usual = engine_order(machine, parallel, engines)
    record = load_catalog().quantizations.get(quant or "")
    if record is None or any(record.format in item.formats for item in usual):
        return usual
    backend = backend_of(machine)
    return [e for e in engines.values() if record.format in e.formats and backend in e.backends]


def _has_files(model: ModelRecord, engine: Engine, format_: str, *, named: bool) -> bool:
    """Whether there is something that an engine reads; a named engine is believed to find its file."""
    if own_quant(model) is not None and "gguf" not in engine.formats:
        return False  # what the person has is a GGUF file
    if format_ != "gguf" or named:
        return True
    return has_gguf(model) if engine.id == OFFLOADER else gguf_seen(model)


def _support(model: ModelRecord, format_: str, quant: str) -> int:
    sure = (format_ != "gguf" or gguf_seen(model)) and quant not in ("AWQ", "GPTQ")
    return 100 if sure else 50
