"""Hard requirements and preferences of a shared base model, checked by the catalog and the memory engine.

Sizes are bytes; the guide's GB are 10**9 bytes and the memory of a machine is counted in GiB, as it is sold.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError
from tools.brief import defaults
from tools.hardware_types import Machine
from tools.licensing import is_permissive
from tools.memory.estimate import estimate_memory
from tools.memory.training_shape import training_shape
from tools.memory.types import MemoryEstimate, MemoryRequest
from tools.planning.tunability import distil_tables

GB = 1_000_000_000
GIB = 1 << 30
ADAPTER_BYTES = 2
"""Bytes of an adapter's value in use (16 bits)."""
Status = Literal["yes", "no", "unknown"]


@cache
def table() -> dict[str, Any]:
    """The guide's figures, from `data/migration.json`."""
    raw = files("tools.planning").joinpath("data/migration.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(raw)
    return found


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement or preference, with the figure it rests on."""

    key: str
    name: str
    status: Status
    figure: str
    short: str = ""
    """The figure alone, for a table."""

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "requirement": self.name,
            "status": self.status,
            "figure": self.figure,
            "short": self.short,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """The weakest machine that has to run the base."""

    ram_bytes: int
    context: int
    rank: int

    @property
    def machine(self) -> Machine:
        """A computer without a card, with the usual memory bandwidth where only the size is known."""
        return Machine(
            name=f"computer with {self.ram_bytes / GIB:g} GB RAM",
            ram_bytes=self.ram_bytes,
            ram_bandwidth_gbs=float(defaults()["generic_bandwidth_gbs"]),
        )

    @property
    def file_limit(self) -> int:
        """Largest quantized file by the guide's rule."""
        rule = table()["file_rule"]
        return int(rule["file_bytes"] * self.ram_bytes / rule["ram_bytes"])

    def as_json(self) -> dict[str, Any]:
        return {
            "ram_bytes": self.ram_bytes,
            "file_limit_bytes": self.file_limit,
            "file_limit_why": table()["file_rule"]["why"],
            "context": self.context,
        }


def adapter_values(model: ModelRecord, rank: int) -> int:
    """Parameters of a LoRA adapter on all linear layers: rank x (inputs + outputs) of each matrix."""
    return sum(rank * (m.rows + m.columns) * m.count for m in training_shape(model).adapted("all-linear"))


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one base takes on the target machine, in bytes."""

    estimate: MemoryEstimate
    adapter: int

    @property
    def file(self) -> int:
        return self.estimate.file_bytes

    @property
    def model(self) -> int:
        """Weights, cache and scratch in system memory."""
        return self.estimate.total_bytes + self.estimate.host_bytes

    def needed(self, system: str) -> int:
        """With system, runtime and one adapter; `low` or `high` for the system."""
        return int(self.model + self.adapter + table()["runtime_bytes"] + table()["system_bytes"][system])

    def as_json(self) -> dict[str, Any]:
        return {
            "file_bytes": self.file,
            "weights_bytes": self.estimate.weights_bytes,
            "kv_cache_bytes": self.estimate.kv_cache_bytes,
            "compute_bytes": self.estimate.compute_bytes,
            "adapter_bytes": self.adapter,
            "runtime_bytes": table()["runtime_bytes"],
            "system_low_bytes": table()["system_bytes"]["low"],
            "system_high_bytes": table()["system_bytes"]["high"],
            "needed_low_bytes": self.needed("low"),
            "needed_high_bytes": self.needed("high"),
        }


def footprint(model: ModelRecord, target: Target) -> Footprint | None:
    """What a base takes on the target; None where nothing is known to compute it from."""
    context = min(target.context, model.context_length or target.context)
    request = MemoryRequest(
        quant=table()["quant"], context=context, engine=table()["engine"], hardware=target.machine
    )
    try:
        adapter = ADAPTER_BYTES * adapter_values(model, target.rank)
        return Footprint(estimate_memory(model, request), adapter)
    except NoAnswerError:
        return None


def hard_checks(model: ModelRecord, target: Target, held: Footprint | None, day: str) -> tuple[Check, ...]:
    """The guide's five hard requirements in its order; the first is two: the file, and all in memory."""
    return (
        _file(held, target),
        _memory(held, target),
        _instruct(model),
        _gguf(model),
        _license(model),
        _maintained(model, day),
    )


def _file(held: Footprint | None, target: Target) -> Check:
    name = f"{table()['quant']} file within {target.file_limit / GB:.1f} GB"
    if held is None:
        return Check("file", name, "unknown", "neither shape nor parameters are known")
    short = f"{held.file / GB:.2f}"
    figure = f"{'' if held.estimate.exact else 'about '}{short} GB"
    return Check("file", name, "yes" if held.file <= target.file_limit else "no", figure, short)


def _memory(held: Footprint | None, target: Target) -> Check:
    name = f"fits {target.ram_bytes / GIB:g} GiB RAM with system and adapter"
    if held is None:
        return Check("memory", name, "unknown", "neither shape nor parameters are known")
    low, high = held.needed("low"), held.needed("high")
    short = f"{low / GIB:.1f}-{high / GIB:.1f}"
    figure = f"about {low / GIB:.1f} to {high / GIB:.1f} GiB in all"
    return Check("memory", name, "yes" if high <= target.ram_bytes else "no", figure, short)


def _instruct(model: ModelRecord) -> Check:
    name, figure = "instruction-tuned", f"listed as a {model.kind} model"
    if model.kind == "base":
        return Check("instruct", name, "no", "a bare pretrained model")
    known = model.kind in table()["instruct_kinds"] or re.search(table()["instruct_names"], model.name)
    return Check("instruct", name, "yes" if known else "unknown", figure)


def _gguf(model: ModelRecord) -> Check:
    if model.gguf_available is None:
        return Check("gguf", "GGUF", "unknown", "no file was seen; conversion may work")
    figure = model.gguf_repo or ("published" if model.gguf_available else "none is known")
    return Check("gguf", "GGUF", "yes" if model.gguf_available else "no", figure)


def _license(model: ModelRecord) -> Check:
    name = "permissive license"
    if model.license is None or model.license == "other":
        return Check("license", name, "unknown", "the license was not read")
    allowed = is_permissive(model.license)
    return Check("license", name, "yes" if allowed else "no", model.license, model.license)


@cache
def _releases() -> dict[tuple[str, str], tuple[str, str]]:
    """Newest release of each line (maker and the letters of the family): its date and model."""
    newest: dict[tuple[str, str], tuple[str, str]] = {}
    for model in load_catalog().models:
        if model.release_date is None or model.added is not None:
            continue
        key = line_of(model)
        if key not in newest or model.release_date > newest[key][0]:
            newest[key] = (model.release_date, model.name)
    return newest


def line_of(model: ModelRecord) -> tuple[str, str]:
    """Maker, and the family's name without its version: Qwen3 and Qwen3.5 are one line."""
    stem = re.match(r"[A-Za-z]+", model.family)
    return model.id.split("/")[0].lower(), (stem[0] if stem else model.family).lower()


def months_between(first: str, last: str) -> int:
    """Whole months from one ISO date to a later one; days are ignored."""
    (y1, m1), (y2, m2) = ((int(part) for part in text.split("-")[:2]) for text in (first, last))
    return (y2 - y1) * 12 + m2 - m1


def _maintained(model: ModelRecord, day: str) -> Check:
    found, limit = _releases().get(line_of(model)), table()["maintained_months"]
    if found is None:
        return Check("maintained", "maintained", "unknown", "no release date of the family is known")
    released, name = found
    age = months_between(released, day)
    own = f"; this one {model.release_date}" if model.release_date and name != model.name else ""
    figure = f"newest of the family: {name}, {released}{own}; answers to issues are not known"
    return Check("maintained", "maintained", "yes" if age <= limit else "no", figure, released[:7])


def soft_checks(model: ModelRecord) -> tuple[Check, ...]:
    """The four preferences, the weightiest first."""
    return (_tuned(model), _multilingual(model), _community(model), _tools(model))


def _tuned(model: ModelRecord) -> Check:
    for each in distil_tables():
        row = each.of(model.id)
        if row is None:
            continue
        spread = f" +-{row.half:g}" if row.half is not None else ", no interval"
        kind = "after tuning" if each.kind == "after" else "by gain"
        return Check(
            "tuning",
            "response to fine-tuning",
            "yes",
            f"rank {row.rank:g}{spread} {kind}, {each.as_of}",
            f"rank {row.rank:g}",
        )
    return Check("tuning", "response to fine-tuning", "unknown", "nobody's measurement is known: run step 4")


def _multilingual(model: ModelRecord) -> Check:
    if model.languages:
        count = len(model.languages)
        figure = f"{count} language{'' if count == 1 else 's'} listed"
        many = count >= table()["many_languages"]
        return Check("languages", "multilingual", "yes" if many else "no", figure, f"{count} listed")
    if model.multilingual is None:
        return Check("languages", "multilingual", "unknown", "its languages are not known")
    return Check(
        "languages", "multilingual", "yes" if model.multilingual else "no", "as the publisher states"
    )


def _community(model: ModelRecord) -> Check:
    if model.downloads is None:
        return Check("community", "large community", "unknown", "downloads are not known")
    figure = f"{model.downloads:,} downloads on the hub (as of {model.as_of})"
    large = model.downloads >= table()["many_downloads"]
    short = f"{model.downloads:,}"
    return Check("community", "large community", "yes" if large else "no", figure, short)


def _tools(model: ModelRecord) -> Check:
    arch = model.architecture
    name = "standard training tools"
    if arch is None:
        return Check("tools", name, "unknown", "its architecture is not known")
    special = [
        word
        for word, there in (("routed experts", arch.experts), ("recurrent layers", arch.recurrent))
        if there
    ]
    if special:
        return Check("tools", name, "unknown", f"{' and '.join(special)} need care in PEFT")
    return Check("tools", name, "yes", "a dense decoder; adapters fit its usual matrices (inferred)")
