"""What a recommendation is made of; `as_json` gives the documents of the command-line contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal

from knowledge.catalog.age import Facts
from tools.calibration.types import Here
from tools.calibration.words import note_of
from tools.hardware_types import Machine
from tools.license_types import LicenseFigure as LicenseFigure
from tools.memory.types import DeviceMemory, Evidence, MemoryEstimate, MemoryRequest
from tools.needs import Role
from tools.speed_types import Interval, Timings
from tools.training_plan import TrainingPlan
from tools.utility import Scores

PLAIN_CACHES = ("f32", "f16", "bf16", "auto", "provider")
"""Cache types that cost no quality; a provider's own is its own affair."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One claim and what it rests on."""

    text: str
    evidence: tuple[Evidence, ...]

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "evidence": [evidence_json(e) for e in self.evidence]}


@dataclass(frozen=True, slots=True)
class Command:
    """A line to run as it stands."""

    label: str
    shell: str


@dataclass(frozen=True, slots=True)
class SpeedFigure:
    """Tokens per second of one conversation, as an interval; absent where a bandwidth is unknown."""

    low: float
    mid: float
    high: float
    basis: str
    timings: Timings | None = None
    """Prompt, first token, thinking and throughput; only where the configuration is shown."""
    estimate: Interval | None = None
    """What the estimate alone says, where it was corrected by measurements on this machine."""
    here: Here | None = None
    """What it was corrected by; None where nothing on this machine speaks for it."""

    @property
    def note(self) -> str:
        """Measurement and estimate side by side; empty where nothing was measured."""
        return "" if self.here is None or self.estimate is None else note_of(self.here, self.estimate.mid)

    def as_json(self) -> dict[str, Any]:
        times = self.timings.as_json() if self.timings is not None else {}
        return {
            "tokens_per_second": Interval(self.low, self.mid, self.high).as_json(),
            **beside_json(self.estimate, self.here),
            "basis": self.basis,
            **times,
        }


def beside_json(estimate: Interval | None, here: Here | None) -> dict[str, Any]:
    """Estimate and measurement beside a speed that was corrected; nothing where it was not."""
    if estimate is None or here is None:
        return {}
    return {
        "estimate": {"tokens_per_second": estimate.as_json()},
        "measured": here.measured_json(),
        "calibration": here.as_json(),
        "note": note_of(here, estimate.mid),
    }


Grade = Literal["exact", "vendor", "sibling", "expected"]
"""What a quality rests on: independent scores of the exact model, its maker's own, those of models of the
same family and size, or only size, age and maker."""


@dataclass(frozen=True, slots=True)
class QualityFigure:
    """Expected task score, 0 to 100, with its uncertainty (one standard deviation, in points)."""

    score: float
    spread: float
    measured: bool
    basis: tuple[Evidence, ...] = ()
    note: str = ""
    grade: Grade = "expected"
    doubts: tuple[str, ...] = ()
    """Scores of the basis that count little, each with the reason."""
    loss: float = 0.0
    """Points that the quantization of weights and cache costs; taken off the score already."""

    def less(self, loss: float) -> QualityFigure:
        """The quality of a quantized model."""
        return replace(self, score=max(0.0, self.score - loss), loss=self.loss + loss)

    def points_over(self, other: QualityFigure) -> int:
        """Points ahead of another (below 0: behind), between the two scores as they are shown.

        Whoever reads 76 and 74 finds 2 points between them, also where the figures behind are 2.6 apart.
        """
        return round(round(self.score, 2)) - round(round(other.score, 2))

    def as_json(self) -> dict[str, Any]:
        return {
            "score": round(self.score, 2),
            "spread": round(self.spread, 1),
            "quantization_loss": round(self.loss, 2),
            "measured": self.measured,
            "grade": self.grade,
            "note": self.note,
            "doubts": list(self.doubts),
            "basis": [evidence_json(e) for e in self.basis],
        }


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a model is run: what the solver found."""

    quant: str
    engine: str
    context: int
    """Tokens one conversation gets."""
    parallel: int
    kv_cache_type: str
    memory: MemoryEstimate | None
    available_bytes: int
    fits: bool
    device_room: tuple[int, ...] = ()
    """Bytes that each device offers; empty where system memory is meant."""
    gpu_layers: int | None = None
    """Layers on the accelerators, the output counted first; None for all."""
    cpu_moe_layers: int | None = None
    """Layers whose experts are in system memory."""
    ubatch_size: int = 512
    flash_attention: bool = True
    gpu_share: float = 1.0
    """Share of the layers and the output, by bytes, on the accelerators."""
    speed: SpeedFigure | None = None
    caveats: tuple[str, ...] = ()

    @property
    def spills(self) -> bool:
        """Whether layers or experts are in system memory."""
        return self.gpu_layers is not None or bool(self.cpu_moe_layers)

    @property
    def cache_quantized(self) -> bool:
        """Whether keys or values are cached in fewer than 16 bits."""
        return any(part not in PLAIN_CACHES for part in self.kv_cache_type.split("/"))

    def request(self, machine: Machine, *, users: int | None = None) -> MemoryRequest:
        """What the memory engine is asked for this configuration.

        Args:
            machine: where it runs.
            users: conversations at once; None takes its own number.
        """
        parallel = users or self.parallel
        return MemoryRequest(
            quant=self.quant,
            context=self.context * parallel,
            kv_cache_type=self.kv_cache_type,
            engine=self.engine,
            parallel=parallel,
            ubatch_size=self.ubatch_size,
            flash_attention=self.flash_attention,
            hardware=machine,
            gpu_layers=self.gpu_layers,
            cpu_moe_layers=self.cpu_moe_layers,
        )


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One weighted part of an option's score, or what is taken off it."""

    name: str
    score: float | None
    """0 to 100; None for what is taken off."""
    weight: float | None
    points: float
    """What it adds to the score."""
    inputs: str
    evidence: tuple[Evidence, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "score": None if self.score is None else round(self.score, 1),
            "weight": self.weight,
            "points": round(self.points, 2),
            "inputs": self.inputs,
            "evidence": [evidence_json(e) for e in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """One option of a recommendation."""

    model: str
    model_id: str | None
    kind: Literal["local", "api"]
    role: Role
    params_total_b: float | None
    params_active_b: float | None
    features: tuple[str, ...]
    context_length: int | None
    release_date: str | None
    hardware: str | None
    owned: bool
    configuration: Configuration | None
    quality: QualityFigure
    license: LicenseFigure
    utility: float
    scores: Scores | None = None
    """The parts of the utility; None where a role has another measure."""
    used_bytes: int = 0
    """Memory on devices and beside them, known before the full estimate is made."""
    parts: tuple[ScorePart, ...] = ()
    """How the utility comes about; only where the option is shown."""
    usd_per_month: float | None = None
    hardware_usd: float | None = None
    training: TrainingPlan | None = None
    why: tuple[Reason, ...] = ()
    caveats: tuple[str, ...] = ()
    companions: tuple[Candidate, ...] = ()
    commands: tuple[Command, ...] = ()
    trade_off: str = ""
    tied: bool = False
    pulled: bool = False
    """Its files lie on the machine already."""
    download_bytes: int | None = None
    """What is still to be downloaded, companions included; None where it is not known."""
    free_disk_bytes: int | None = None
    """Free where models are kept; None on a machine that was only described."""
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self, rank: int = 1) -> dict[str, Any]:
        c = self.configuration
        return {
            "rank": rank,
            "model": self.model,
            "model_id": self.model_id,
            "kind": self.kind,
            "role": self.role,
            "params": {"total_b": self.params_total_b, "active_b": self.params_active_b},
            "features": list(self.features),
            "context_length": self.context_length,
            "release_date": self.release_date,
            "quant": c.quant if c else None,
            "engine": c.engine if c else None,
            "context": c.context if c else None,
            "parallel": c.parallel if c else 1,
            "kv_cache_type": c.kv_cache_type if c else None,
            "gpu_layers": c.gpu_layers if c else None,
            "cpu_moe": bool(c.cpu_moe_layers) if c else False,
            "cpu_moe_layers": c.cpu_moe_layers if c else None,
            "hardware": {"name": self.hardware, "owned": self.owned, "usd": self.hardware_usd},
            "memory": memory_json(c),
            "speed": c.speed.as_json() if c and c.speed else {"tokens_per_second": None, "basis": "unknown"},
            "quality": self.quality.as_json(),
            "license": self.license.as_json(),
            "cost": {"usd_per_month": self.usd_per_month},
            "training": self.training.as_json() if self.training else None,
            "utility": {
                "score": round(self.utility, 2),
                "parts": [part.as_json() for part in self.parts],
            },
            "trade_off": self.trade_off,
            "tied": self.tied,
            "pulled": self.pulled,
            "download_bytes": self.download_bytes,
            "free_disk_bytes": self.free_disk_bytes,
            "why": [reason.as_json() for reason in self.why],
            "caveats": list(self.caveats) + list(c.caveats if c else ()),
            "companions": [companion.as_json(i) for i, companion in enumerate(self.companions, 1)],
            "commands": [{"label": command.label, "shell": command.shell} for command in self.commands],
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class Rejected:
    """A model that a constraint excluded."""

    model: str
    model_id: str | None
    reason: str
    constraint: str

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "model_id": self.model_id,
            "reason": self.reason,
            "constraint": self.constraint,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What would change the answer."""

    condition: str
    outcome: str

    def as_json(self) -> dict[str, str]:
        return {"if": self.condition, "then": self.outcome}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The whole answer."""

    needs: dict[str, Any]
    assumptions: tuple[dict[str, Any], ...]
    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]
    would_change: tuple[Change, ...]
    error: dict[str, str] | None = None
    verdict: str | None = None
    """Where to run it, in one sentence, where that is plain."""
    facts: Facts | None = None
    """How old what it rests on is."""

    def as_json(self) -> dict[str, Any]:
        """The contract's document; `facts`, `verdict` and `error` only where there are."""
        document: dict[str, Any] = {
            "needs": self.needs,
            "assumptions": list(self.assumptions),
            "candidates": [c.as_json(rank) for rank, c in enumerate(self.candidates, 1)],
            "rejected": [r.as_json() for r in self.rejected],
            "would_change": [c.as_json() for c in self.would_change],
        }
        if self.facts is not None:
            document["facts"] = self.facts.as_json()
        if self.verdict is not None:
            document["verdict"] = self.verdict
        if self.error is not None:
            document["error"] = self.error
        return document


def evidence_json(evidence: Evidence) -> dict[str, str]:
    """The object of a document; `quote` only where a guide is quoted."""
    row = {"kind": evidence.kind, "source": evidence.source, "locator": evidence.locator}
    return row | ({"quote": evidence.quote} if evidence.quote else {})


def device_json(device: DeviceMemory) -> dict[str, Any]:
    """One device's share."""
    return {
        "device": device.device,
        "weights_bytes": device.weights_bytes,
        "kv_cache_bytes": device.kv_cache_bytes,
        "compute_bytes": device.compute_bytes,
        "overhead_bytes": device.overhead_bytes,
        "total_bytes": device.total_bytes,
    }


def memory_json(configuration: Configuration | None) -> dict[str, Any]:
    """The memory object of a candidate; nulls for an API model."""
    keys = ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes", "total_bytes")
    if configuration is None or configuration.memory is None:
        return {**dict.fromkeys(keys), "available_bytes": None, "file_bytes": None, "fits": None}
    m = configuration.memory
    return {
        **{key: getattr(m, key) for key in keys},
        "host_bytes": m.host_bytes,
        "low_bytes": m.low_bytes,
        "high_bytes": m.high_bytes,
        "exact": m.exact,
        "available_bytes": configuration.available_bytes,
        "file_bytes": m.file_bytes,
        "fits": configuration.fits,
        "per_device": [
            {**device_json(d), "available_bytes": room}
            for d, room in zip_longest(m.per_device, configuration.device_room[: len(m.per_device)])
        ],
        "formula": m.formula,
    }
