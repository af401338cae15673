"""The joint solver: quantization, cache type, context, engine and placement of one model on one machine.

Every configuration that the engines offer and that could still win is priced by the memory engine and the
speed model; the best by utility wins. Nothing is rounded up to "fits": a configuration holds when every
device has room for its share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.budget import GIB, Room, room_of
from tools.candidates import PLAIN_CACHES, Configuration, SpeedFigure
from tools.engines import Option, options_for, own_quant
from tools.fit_bounds import (
    LEAST_BITS,
    MOST_GAIN_BY_CACHE,
    MOST_GAIN_BY_FORMAT,
    block_params,
    fastest_beside,
    gain_by_measurement,
    least_bytes,
)
from tools.fit_types import Ask, Refusal, Solution
from tools.hardware_types import Machine
from tools.memory.estimate import CONTEXT_STEP, device_bytes, estimate_memory, max_context
from tools.memory.generic import is_encoder
from tools.memory.llama_cpp import Plan, plan_of, runs_gguf
from tools.placing import (
    Placed,
    cache_types_for,
    engine_room,
    holds,
    may_spill,
    overfull,
    request_for,
    spilled,
)
from tools.projector import projector_bytes, with_projector
from tools.quant_loss import cache_loss, nominal_bits, quality_loss
from tools.speed import estimate_speed
from tools.utility import Scores, memory_score, speed_penalty, speed_score, table, utility

UNKNOWN_WINDOW = 8192
"""Tokens up to which a model of unknown window is still offered; nearly all of its age have that much."""


def speed_of(model: ModelRecord, placed: Placed, machine: Machine, ask: Ask) -> SpeedFigure | None:
    """Expected speed of a configuration; None for models that write nothing, or where it is unknown."""
    if is_encoder(model):
        return None
    speed = estimate_speed(
        model,
        placed.option.quant,
        machine,
        engine=placed.option.engine,
        context=placed.request.context // placed.request.parallel,
        gpu_share=placed.share,
        parallel=ask.parallel,
        kv_cache_type=placed.request.kv_cache_type,
    )
    if speed is None:
        return None
    return SpeedFigure(
        speed.low, speed.mid, speed.high, speed.basis, estimate=speed.estimate, here=speed.here
    )


class _Scores(NamedTuple):
    """How good a placed configuration is."""

    loss: float
    cache_loss: float
    speed: float
    memory: float
    merit: float


@dataclass(slots=True)
class _Search:
    """The best configuration so far, and what is left to look at."""

    model: ModelRecord
    machine: Machine
    room: Room
    ask: Ask
    best: Solution | None = None
    fitted: bool = False
    fastest: float = 0.0
    known: tuple[float, float] | None = None
    """Bits per weight of the last configuration on the devices, and its speed by the estimate alone."""

    def run(self) -> None:
        """Looks through all options; through system memory only where the accelerators hold nothing good."""
        plan = plan_of(self.model)
        for option in self._options():
            if option.format != "gguf" or least_bytes(self.model, option.quant) <= self.room.total_bytes:
                self._on_devices(option, plan)
        if plan is not None and may_spill(self.machine, self.room, self.ask) and self._wants_more():
            self._beside_devices(plan)

    def _options(self, *, offload: bool = False) -> list[Option]:
        ask = self.ask
        return options_for(
            self.model, self.machine, ask.parallel, quant=ask.quant, engine=ask.engine, offload=offload
        )

    def _wants_more(self) -> bool:
        """System memory is ten times slower: it is worth a look where nothing above three bits fits."""
        if not self.fitted:
            return True
        limit = float(table()["spill_below_bits"])
        return self.best is not None and nominal_bits(self.model, self.best.configuration.quant) < limit

    def _at_best(self, option: Option, kv: str, speed: float | None, memory: float) -> float:
        """Merit that an option of at most this speed (None: any) and memory score cannot exceed."""
        loss = quality_loss(self.model, option.quant, kv, self.ask.task)
        part = 100.0 if speed is None else speed_score(speed, self.ask.min_speed, self.ask.priority)
        bound = _merit(self.ask, loss, part, memory, option.support)
        return bound - speed_penalty(speed, self.ask.min_speed)

    def _fastest_as(self, option: Option, kv: str) -> float | None:
        """A speed that an option cannot exceed, by what is known of another; None where nothing is."""
        if self.known is None:
            return None
        bits, speed = self.known
        cached = 1.0 if kv in PLAIN_CACHES else MOST_GAIN_BY_CACHE
        cached *= gain_by_measurement(self.model, self.machine, option.engine)
        return speed * max(1.0, bits / nominal_bits(self.model, option.quant)) * MOST_GAIN_BY_FORMAT * cached

    def _on_devices(self, option: Option, plan: Plan | None) -> None:
        types = cache_types_for(option, self.ask)
        # The first cache type costs the least, the last one is the fastest: none beats both together.
        if not self._promises(option, types[0], as_fast_as=types[-1]) or self._too_large(option, plan):
            return
        room = engine_room(option.engine, option.quant, self.machine, self.room, self.ask)
        for kv in types:
            request = request_for(option, kv, self.machine, self.ask)
            sizes = device_bytes(self.model, request)
            if not holds(sizes, room):
                continue
            self.fitted = True
            placed = Placed(option, request, sizes)
            figure = speed_of(self.model, placed, self.machine, self.ask)
            self._consider(placed, figure, room)
            if figure is not None and kv in PLAIN_CACHES:
                alone = figure.estimate or figure  # engines are corrected each by its own
                self.known = (nominal_bits(self.model, option.quant), alone.mid)
            if kv in PLAIN_CACHES and (figure is None or figure.mid >= self.ask.min_speed):
                return  # a cache that fits as it is and is fast enough is not quantized

    def _promises(self, option: Option, kv: str, *, as_fast_as: str) -> bool:
        """Whether an option with the loss of one cache type and the speed of another could beat the best."""
        bound = self._at_best(option, kv, self._fastest_as(option, as_fast_as), 100.0)
        return self.best is None or bound > self.best.merit

    def _too_large(self, option: Option, plan: Plan | None) -> bool:
        """Whether the weights alone are more than the accelerators hold."""
        if plan is None or option.format != "gguf" or not self.machine.devices:
            return False
        return plan.weights_in(option.quant.upper()).device * plan.scale > self.room.total_bytes

    def _beside_devices(self, plan: Plan) -> None:
        """Options that use system memory, those with the best prospects first.

        An option's bound is sharpened, which lays out its tensors, only when it is the best that is left.
        """
        kv = self.ask.kv_cache_type or "f16"
        queue: list[tuple[float, int, Option, bool]] = []
        for order, option in enumerate(self._options(offload=True)):
            least = least_bytes(self.model, option.quant)
            if least <= self.room.total_bytes + (self.room.host_bytes or 0):
                bound = self._at_best(
                    option, kv, fastest_beside(self.model, self.machine, self.room, least), 0.0
                )
                heappush(queue, (-bound, order, option, False))
        while queue and (self.best is None or -queue[0][0] > self.best.merit):
            _, order, option, sharp = heappop(queue)
            if not sharp:
                weights = plan.weights_in(option.quant).device
                speed = fastest_beside(self.model, self.machine, self.room, weights)
                heappush(queue, (-self._at_best(option, kv, speed, 0.0), order, option, True))
                continue
            placed = spilled(plan, self.model, option, self.machine, self.room, self.ask)
            if placed is not None:
                figure = speed_of(self.model, placed, self.machine, self.ask)
                self._consider(placed, figure, self.room)

    def _consider(self, placed: Placed, figure: SpeedFigure | None, room: Room) -> None:
        """Rates a configuration that fits."""
        mid = figure.mid if figure else None
        self.fastest = max(self.fastest, mid or 0.0)
        if not (self.ask.speed_is_hard and mid is not None and mid < self.ask.min_speed):
            scores = _scores(self.model, placed, room, mid, self.ask)
            if self.best is None or scores.merit >= self.best.merit:
                found = _solution(self.model, placed, room, figure, scores, self.ask)
                if self.best is None or found.order > self.best.order:
                    self.best = found


@follows_models
@lru_cache(maxsize=65536)
def solve(model_id: str, machine: Machine, ask: Ask) -> Solution | Refusal:
    """The best configuration of a model on a machine.

    Args:
        model_id: hub id of a catalog model.
        machine: where it runs.
        ask: what it must hold.

    Returns:
        The solution, or the reason why there is none.
    """
    model = load_catalog().by_id[model_id.lower()]
    window = window_refusal(model, ask.context)
    if window is not None:
        return window
    if model.params_total is None and plan_of(model) is None:
        return Refusal("neither its tensors nor its parameter count are known", "unknown")
    room = room_for(model, machine, ask)
    hopeless = _hopeless(model, machine, room, ask)
    if hopeless is not None:
        return hopeless
    search = _Search(model, machine, room, ask)
    search.run()
    if search.best is not None:
        return search.best
    if search.fastest:
        return Refusal(f"about {search.fastest:.0f} tokens/s here, {ask.min_speed:g} are needed", "min_speed")
    return _memory_refusal(model, machine, room, ask)


def window_refusal(model: ModelRecord, context: int) -> Refusal | None:
    """Why a model cannot hold a conversation of so many tokens, on any machine."""
    if model.context_length is not None and context > model.context_length:
        return Refusal(f"its window is {model.context_length:,} tokens, {context:,} are needed", "context")
    if model.context_length is None and context > UNKNOWN_WINDOW:
        return Refusal(f"its window is not known, {context:,} tokens are needed", "context")
    return None


def room_for(model: ModelRecord, machine: Machine, ask: Ask) -> Room:
    """What a machine offers a model beside companions and projector."""
    taken = ask.beside_bytes + (projector_bytes(model) or 0 if ask.vision else 0)
    return room_of(machine, server=ask.server, reserve=ask.reserve).less(taken)


def _hopeless(model: ModelRecord, machine: Machine, room: Room, ask: Ask) -> Refusal | None:
    """Refuses without laying out tensors where even the smallest quantization of the blocks cannot fit.

    A lower bound: embeddings and output, which may stay in system memory, are not counted, nor is any cache.
    """
    if ask.quant is not None or own_quant(model) is not None:
        return None
    least = int(block_params(model) * LEAST_BITS / 8)
    host = (room.host_bytes or 0) if may_spill(machine, room, ask) else 0
    if least <= room.total_bytes + host:
        return None
    return Refusal(
        f"does not fit: its weights take more than {least / GIB:.0f} GiB at {LEAST_BITS:g} bits, "
        f"{room.total_bytes / GIB:.1f} GiB are usable",
        "memory",
        shortfall_bytes=least - room.total_bytes,
    )


def _merit(ask: Ask, loss: float, speed: float, memory: float, support: float) -> float:
    """Utility of what differs between configurations of one model."""
    return utility(ask.priority, Scores(-loss, speed, 0.0, memory, 0.0, support))


def _scores(model: ModelRecord, placed: Placed, room: Room, speed: float | None, ask: Ask) -> _Scores:
    loss = quality_loss(model, placed.option.quant, placed.request.kv_cache_type, ask.task)
    speed_part = speed_score(speed, ask.min_speed, ask.priority)
    # What spills fills the devices on purpose; what the last one leaves over is no headroom.
    memory_part = 0.0 if placed.spills else memory_score(placed.sizes.total, room.total_bytes, ask.priority)
    merit = _merit(ask, loss, speed_part, memory_part, float(placed.option.support))
    cache = cache_loss(placed.request.kv_cache_type)
    return _Scores(loss, cache, speed_part, memory_part, merit - speed_penalty(speed, ask.min_speed))


def _solution(
    model: ModelRecord, placed: Placed, room: Room, speed: SpeedFigure | None, scores: _Scores, ask: Ask
) -> Solution:
    option, request, sizes = placed.option, placed.request, placed.sizes
    beside = ask.vision and runs_gguf(option.engine, option.quant)
    configuration = Configuration(
        quant=option.quant,
        engine=option.engine,
        context=request.context // request.parallel,
        parallel=request.parallel,
        kv_cache_type=request.kv_cache_type,
        memory=None,
        available_bytes=room.total_bytes,
        fits=True,
        device_room=room.device_bytes,
        gpu_layers=request.gpu_layers,
        cpu_moe_layers=request.cpu_moe_layers,
        ubatch_size=request.ubatch_size,
        flash_attention=request.flash_attention,
        gpu_share=placed.share,
        speed=speed,
        caveats=option.caveats,
    )
    return Solution(
        configuration,
        scores.loss,
        scores.cache_loss,
        scores.speed,
        scores.memory,
        scores.merit,
        sizes.total + (projector_bytes(model) or 0 if beside else 0),
        sizes.host,
        option.support,
    )


def rated(model: ModelRecord, placed: Placed, machine: Machine, room: Room, ask: Ask) -> Solution:
    """A configuration that fits, with its speed and scores."""
    figure = speed_of(model, placed, machine, ask)
    return _solution(
        model, placed, room, figure, _scores(model, placed, room, figure.mid if figure else None, ask), ask
    )


def _memory_refusal(model: ModelRecord, machine: Machine, room: Room, ask: Ask) -> Refusal:
    """The smallest configuration, and how far it is from fitting."""
    options = options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine)
    if not options:
        return Refusal("no engine here is known to run it", "engine")
    option = min(options, key=lambda item: nominal_bits(model, item.quant))
    request = request_for(option, cache_types_for(option, ask)[-1], machine, ask)
    sizes, room = device_bytes(model, request), engine_room(option.engine, option.quant, machine, room, ask)
    what = f"{option.quant} with {request.context:,} tokens ({request.kv_cache_type} cache)"
    total, there, where = sizes.total, room.total_bytes, ""
    crowded = overfull(sizes, room) if total <= there else None
    if crowded is not None:
        total, there = sizes.devices[crowded], room.device_bytes[crowded]
        where = f" on one {machine.devices[crowded].name}"
    usable = f"{there / GIB:.1f} GiB are usable" + (" there" if where else "")
    return Refusal(
        f"does not fit: {what} takes {total / GIB:.1f} GiB{where}, {usable}",
        "memory",
        shortfall_bytes=total - there,
    )


def longest_context(model: ModelRecord, machine: Machine, configuration: Configuration, ask: Ask) -> int:
    """Tokens that each conversation could hold at most in a configuration that fits, on every device."""
    request = configuration.request(machine)
    room = engine_room(configuration.engine, configuration.quant, machine, room_for(model, machine, ask), ask)

    def held(context: int) -> bool:
        asked = replace(request, context=context * request.parallel)
        sizes = device_bytes(model, asked)
        return holds(sizes, room) and not (configuration.spills and sizes.host > (room.host_bytes or 0))

    most = max_context(model, request, room.total_bytes) // request.parallel
    if most <= configuration.context or held(most):
        return max(most, configuration.context)
    low, high = configuration.context // CONTEXT_STEP, most // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if held(middle * CONTEXT_STEP) else (low, middle - 1)
    return max(low * CONTEXT_STEP, configuration.context)


def with_memory(
    model: ModelRecord, machine: Machine, configuration: Configuration, ask: Ask
) -> Configuration:
    """Adds the full memory estimate (formula, devices, evidence) to a configuration."""
    memory = estimate_memory(model, configuration.request(machine))
    full = replace(configuration, memory=memory, caveats=configuration.caveats + memory.caveats)
    if not ask.vision or not runs_gguf(configuration.engine, configuration.quant):
        return full  # other engines load the vision tower with the weights
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)
    return with_projector(model, full, memory, room)
