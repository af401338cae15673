"""The memory of one model as it is tuned by keys: bars, words and the limits of the context."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.memory.types import MemoryRequest
from tools.memory_room import Held, Subject
from tui.answer import Bar
from tui.plaintext import GIB, gib, rough_tokens, tokens

LEAST = 1024
"""Tokens from which contexts are tried."""
STEPS = (4, 5, 6, 7)
"""Stops in each doubling of the context, in quarters."""
MOST_PARALLEL = 64
HOST_PART = "weights and buffers"
TOLD_HOST = GIB
"""System memory beside the accelerators that is worth a bar where its room is not known."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens of one conversation: what is tried at the least, the model's own most, and what fits."""

    least: int
    window: int
    fits: int | None
    """0 where nothing fits, None where no machine is named."""


@dataclass(frozen=True, slots=True)
class MemoryPicture:
    """What is drawn."""

    headline: str
    verdict: str
    """What fits, or by how much it is over."""
    bars: tuple[Bar, ...]
    sentences: tuple[str, ...]
    limits: Limits
    context: int
    rows: tuple[tuple[str, ...], ...]
    """The same as a table, the first row its head."""
    training: Bar | None = None
    """The run that trains it, where it is a base for one."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """A configuration, and what it can be changed to."""

    subject: Subject
    request: MemoryRequest
    quants: tuple[str, ...]
    """The smallest first."""
    notes: tuple[str, ...] = ()
    training: Bar | None = None
    """The run that trains the model, where it is a base for one; the keys do not change it."""

    @property
    def context(self) -> int:
        """Tokens of one conversation."""
        return self.request.context // self.request.parallel

    @property
    def limits(self) -> Limits:
        window = self.subject.window
        return Limits(min(LEAST, window), window, self.subject.longest(self.request))

    def at(self, context: int) -> Tuning:
        """With another context of one conversation, within the model's limits."""
        kept = min(max(context, min(LEAST, self.subject.window)), self.subject.window)
        return replace(self, request=replace(self.request, context=kept * self.request.parallel))

    def stepped(self, by: int) -> Tuning:
        """With the next context up or down; the limits are stops too."""
        limits, now = self.limits, self.context
        stops = _stops(limits)
        further = [stop for stop in stops if (stop > now if by > 0 else stop < now)]
        return self.at(now if not further else further[0] if by > 0 else further[-1])

    def in_format(self, quant: str) -> Tuning:
        """With another quantization of the weights."""
        return replace(self, request=replace(self.request, quant=quant))

    def quantized(self, by: int) -> Tuning:
        """With the next larger or smaller quantization; at the ends it stays."""
        place = self.quants.index(self.request.quant) + by
        return self.in_format(self.quants[place]) if 0 <= place < len(self.quants) else self

    def cached(self) -> Tuning:
        """With the next type of the KV cache, round and round."""
        types = self.subject.cache_types(self.request)
        following = types[(types.index(self.request.kv_cache_type) + 1) % len(types)]
        return replace(self, request=replace(self.request, kv_cache_type=following))

    def shared(self, by: int) -> Tuning:
        """With one conversation at once more or fewer, each of the same context."""
        count = min(max(self.request.parallel + by, 1), MOST_PARALLEL)
        return replace(self, request=replace(self.request, parallel=count, context=self.context * count))

    @property
    def fits(self) -> bool | None:
        """Whether it has room; None without a machine."""
        return self.subject.held(self.request).fits

    def picture(self) -> MemoryPicture:
        """What is drawn for this configuration.

        Raises:
            NoAnswerError: nothing is known to compute it from.
        """
        held, limits = self.subject.held(self.request), self.limits
        bars = _bars(held)
        return MemoryPicture(
            self._headline(),
            _verdict(held),
            bars,
            (*_limit_words(limits, self), *_figures(held), *_kept(held, self.subject), *self.notes),
            limits,
            self.context,
            _rows(bars, held),
            self.training,
        )

    def _headline(self) -> str:
        request = self.request
        each = " for each conversation" if request.parallel > 1 else ""
        use = "In use: " if self.training is not None else ""
        parts = [
            f"{use}{self.subject.model.name} in {request.quant} on {request.engine}",
            f"{tokens(self.context)} tokens of context{each}",
            f"KV cache in {request.kv_cache_type}",
        ]
        if request.parallel > 1:
            parts.append(f"{request.parallel} conversations at once")
        return ", ".join(parts)


def _stops(limits: Limits) -> list[int]:
    found, octave = {limits.least, limits.window}, limits.least
    while octave <= limits.window:
        found |= {octave * quarter // 4 for quarter in STEPS}
        octave *= 2
    if limits.fits:
        found.add(limits.fits)
    return sorted(stop for stop in found if limits.least <= stop <= limits.window)


def _bars(held: Held) -> tuple[Bar, ...]:
    room = held.room
    bars = []
    for place, device in enumerate(held.estimate.per_device):
        there = None
        if room is not None:
            there = room.device_bytes[place] if place < len(room.device_bytes) else room.host_bytes
        parts = (
            ("weights", device.weights_bytes),
            ("KV cache", device.kv_cache_bytes),
            ("compute", device.compute_bytes),
            ("overhead", device.overhead_bytes),
        )
        bars.append(Bar(device.device, parts, there))
    host = held.estimate.host_bytes
    there = room.host_bytes if room is not None and room.device_bytes else None
    if host and (there is not None or host > TOLD_HOST):
        bars.append(Bar("System memory", ((HOST_PART, host),), there))
    return tuple(bars)


def _verdict(held: Held) -> str:
    if held.room is None:
        return "No machine is named: one CUDA device that is large enough is assumed."
    over, crowded = held.over_bytes or 0, held.crowded
    if held.host_over_bytes:
        return f"Does not fit: over by {gib(held.host_over_bytes)} of system memory."
    if not held.fits:
        alone = crowded is not None and len(held.estimate.per_device) > 1
        where = f" on {held.estimate.per_device[crowded or 0].device}, device {(crowded or 0) + 1}"
        return f"Does not fit: over by {gib(over)}{where if alone else ''}."
    spare = held.room.total_bytes - held.estimate.total_bytes
    high = held.estimate.high_bytes - held.room.total_bytes
    if high > 0:
        return (
            f"Fits, but only just: {gib(spare)} to spare, and the upper end of the estimate is over by "
            f"{gib(high)}."
        )
    return f"Fits: {gib(spare)} to spare."


def _limit_words(limits: Limits, tuning: Tuning) -> tuple[str, ...]:
    known = tuning.subject.model.context_length is not None
    most = f"The model reads {tokens(limits.window)} tokens"
    most += "." if known else " or more: its own limit is not known."
    if limits.fits is None:
        return (most,)
    if limits.fits <= 0:
        return (f"In {tuning.request.quant} it fits with no context at all. {most}",)
    if limits.fits >= limits.window:
        return (f"Every context fits. {most}",)
    return (f"Up to {rough_tokens(limits.fits)} tokens fit. {most}",)


def _figures(held: Held) -> tuple[str, ...]:
    e = held.estimate
    how = "tensor by tensor, as the engine lays them out" if e.exact else "an estimate"
    source = e.basis[0].source if e.basis else "the memory model"
    where = "on the accelerators" if held.room is None or held.room.device_bytes else "of system memory"
    low, high = gib(e.low_bytes), gib(e.high_bytes)
    span = f"between {low} and {high}" if low != high else f"about {low} either way"
    return (f"{gib(e.total_bytes)} {where}, {span} ({how}; {source}).",)


def _kept(held: Held, subject: Subject) -> tuple[str, ...]:
    """What of the machine is not offered to the model."""
    machine, room = subject.machine, held.room
    if machine is None or room is None:
        return ()
    whole = machine.accelerator_bytes if machine.devices else machine.ram_bytes
    kept = (whole or 0) - room.total_bytes
    if kept < GIB // 20:
        return ()
    beside: list[str] = []
    if subject.ask.beside_bytes:
        beside.append("the embedder and reranker beside it")
    if subject.ask.vision:
        beside.append("the vision projector")
    more = f"; and for {' and '.join(beside)}" if beside else ""
    return (f"{gib(kept)} of the {gib(whole)} are kept for desktop, driver and other programs{more}.",)


def _rows(bars: tuple[Bar, ...], held: Held) -> tuple[tuple[str, ...], ...]:
    head = ("device", "weights", "KV cache", "compute", "overhead", "used", "free")
    rows: list[tuple[str, ...]] = [head]
    for bar in bars:
        amounts = dict(bar.parts)
        weights = amounts.get("weights", amounts.get(HOST_PART, 0))
        parts = [gib(weights), *(gib(amounts.get(name, 0)) for name in head[2:5])]
        rows.append((bar.device, *parts, gib(bar.used), "unknown" if bar.free is None else gib(bar.free)))
    low, high = gib(held.estimate.low_bytes), gib(held.estimate.high_bytes)
    rows.append(("interval", "", "", "", "", f"{low} to {high}", ""))
    return tuple(rows)
