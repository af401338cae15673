"""A model's memory held against a machine, for any context, quantization and cache type that are tried.

The figures are those of `estimate_memory`, as `llm-advisor memory` gives them; the room is the solver's: what
is kept for the desktop, and for an embedder or a projector beside the model, is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.budget import Room
from tools.commands.memory import usual_format
from tools.engines import options_for
from tools.fit import room_for
from tools.fit_types import Ask
from tools.hardware_types import Machine
from tools.memory.estimate import CONTEXT_STEP, DeviceBytes, device_bytes, estimate_memory
from tools.memory.llama_cpp import runs_gguf
from tools.memory.types import MemoryEstimate, MemoryRequest
from tools.placing import engine_room, holds, overfull
from tools.quant_loss import nominal_bits
from tools.utility import table

UNKNOWN_WINDOW = 131_072
"""Tokens up to which contexts are tried where a model's window is not known."""
PROCESSOR = Machine("any machine")
"""Stands for a machine that nobody named, where only the list of formats is asked for."""


@dataclass(frozen=True, slots=True)
class Held:
    """One configuration, held against the room."""

    request: MemoryRequest
    estimate: MemoryEstimate
    room: Room | None
    """None where no machine is named."""

    @property
    def sizes(self) -> DeviceBytes:
        """The estimate as the solver compares it with the room."""
        e = self.estimate
        return DeviceBytes(
            e.weights_bytes,
            e.kv_cache_bytes,
            e.compute_bytes,
            e.overhead_bytes,
            e.host_bytes,
            tuple(device.total_bytes for device in e.per_device),
        )

    @property
    def over_bytes(self) -> int | None:
        """Bytes that are missing on the accelerators, or on the fullest of them; None without a machine."""
        if self.room is None:
            return None
        crowded = overfull(self.sizes, self.room)
        if crowded is not None:
            return self.sizes.devices[crowded] - self.room.device_bytes[crowded]
        return max(0, self.sizes.total - self.room.total_bytes)

    @property
    def crowded(self) -> int | None:
        """Index of the device that is too full; None where each holds its share."""
        return overfull(self.sizes, self.room) if self.room is not None else None

    @property
    def host_over_bytes(self) -> int:
        """Bytes of system memory that are missing beside the accelerators; 0 where that is not known."""
        if self.room is None or self.room.host_bytes is None or not self.room.device_bytes:
            return 0
        return max(0, self.estimate.host_bytes - self.room.host_bytes)

    @property
    def fits(self) -> bool | None:
        """Whether every part has room; None without a machine."""
        if self.room is None:
            return None
        return holds(self.sizes, self.room) and not self.host_over_bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """A model on a machine, and what the solver would ask of it."""

    model: ModelRecord
    machine: Machine | None
    ask: Ask

    def request(
        self,
        *,
        quant: str | None = None,
        engine: str | None = None,
        context: int = 8192,
        kv_cache_type: str = "f16",
        parallel: int = 1,
        gpu_layers: int | None = None,
        cpu_moe_layers: int | None = None,
    ) -> MemoryRequest:
        """What the memory engine is asked for; what is not given is usual for the model.

        Args:
            quant: format of the weights.
            engine: what runs it.
            context: tokens of one conversation.
            kv_cache_type: type of the cache.
            parallel: conversations at once.
            gpu_layers: layers on the accelerators.
            cpu_moe_layers: layers whose experts are in system memory.
        """
        usual_quant, usual_engine = usual_format(self.model, engine)
        return MemoryRequest(
            quant=quant or usual_quant,
            context=context * parallel,
            kv_cache_type=kv_cache_type,
            engine=usual_engine,
            parallel=parallel,
            ubatch_size=self.ask.ubatch_size,
            flash_attention=self.ask.flash_attention,
            hardware=self.machine,
            gpu_layers=gpu_layers,
            cpu_moe_layers=cpu_moe_layers,
        )

    @property
    def window(self) -> int:
        """Tokens of one conversation that the model reads at most."""
        return self.model.context_length or UNKNOWN_WINDOW

    def room(self, request: MemoryRequest) -> Room | None:
        """What the machine offers this configuration; None without a machine."""
        if self.machine is None:
            return None
        there = room_for(self.model, self.machine, self.ask)
        return engine_room(request.engine, request.quant, self.machine, there, self.ask)

    def held(self, request: MemoryRequest) -> Held:
        """The memory of a configuration against the room.

        Raises:
            NoAnswerError: nothing is known to compute it from.
        """
        return Held(request, estimate_memory(self.model, request), self.room(request))

    def quants(self, request: MemoryRequest) -> tuple[str, ...]:
        """Formats that the model can be had in for the engine, the smallest first."""
        found = [
            option.quant
            for option in options_for(
                self.model, self.machine or PROCESSOR, request.parallel, engine=request.engine
            )
        ]
        every = dict.fromkeys([*found, request.quant])
        return tuple(sorted(every, key=lambda quant: nominal_bits(self.model, quant)))

    def cache_types(self, request: MemoryRequest) -> tuple[str, ...]:
        """Cache types that the engine offers for the format, the unquantized first."""
        known = tuple(table()["cache_ladder"]) if runs_gguf(request.engine, request.quant) else ("f16",)
        return known if request.kv_cache_type in known else (request.kv_cache_type, *known)

    def longest(self, request: MemoryRequest) -> int | None:
        """Tokens that each conversation can hold at most; 0 where nothing fits, None without a machine."""
        if self.machine is None:
            return None
        return _longest(self.model.id, self.machine, self.ask, replace(request, context=CONTEXT_STEP))


@follows_models
@lru_cache(maxsize=1024)
def _longest(model_id: str, machine: Machine, ask: Ask, request: MemoryRequest) -> int:
    subject = Subject(load_catalog().by_id[model_id.lower()], machine, ask)
    room = subject.room(request)
    assert room is not None

    def held(steps: int) -> bool:
        asked = replace(request, context=steps * CONTEXT_STEP * request.parallel)
        sizes = device_bytes(subject.model, asked)
        beside = room.host_bytes if room.device_bytes else None
        return holds(sizes, room) and (beside is None or sizes.host <= beside)

    low, high = 0, max(1, subject.window // CONTEXT_STEP)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if held(middle) else (low, middle - 1)
    return low * CONTEXT_STEP
