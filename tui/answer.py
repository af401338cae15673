"""The recommendation as the screen needs it: read tolerantly from the contract's JSON, sources numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.claims import Claim, Source, SourceList, line_of, map_of, maps_of, read_claims, read_score
from tui.plaintext import GIB, clean, gib, is_number, speed, tokens, usd, words
from tui.trade_off import trade_off

PARTS = (
    ("weights", "weights_bytes"),
    ("KV cache", "kv_cache_bytes"),
    ("compute", "compute_bytes"),
    ("overhead", "overhead_bytes"),
)
"""Parts of a memory bar, in drawing order: the word for people and the contract's key."""
WORTH_A_WORD = 1.0
"""Points that a quantization costs from which it is said."""
USES = {
    "yes": "commercial use: yes",
    "conditional": "commercial use: with conditions",
    "no": "commercial use: no",
    "unknown": "commercial use: unknown",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Memory of one device, in bytes; None where unknown."""

    device: str
    parts: tuple[tuple[str, int], ...]
    available: int | None

    @property
    def used(self) -> int:
        return sum(amount for _, amount in self.parts)

    @property
    def free(self) -> int | None:
        """What is left; negative where it does not fit."""
        return None if self.available is None else self.available - self.used


@dataclass(frozen=True, slots=True)
class Command:
    """Something to run."""

    label: str
    shell: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One option of the answer, in words."""

    rank: int
    model: str
    kind: str
    quant: str
    engine: str
    context: str
    kv_cache: str
    memory: str
    host_memory: str
    """What stays in system memory beside it; empty where that is next to nothing."""
    speed: str
    speed_basis: str
    license: str
    license_words: str
    quality: str
    quality_words: str
    cost: str
    facts: tuple[tuple[str, str], ...]
    trade_off: str
    bars: tuple[Bar, ...]
    why: tuple[Claim, ...]
    score: tuple[Claim, ...]
    """The parts that its rank comes from."""
    caveats: tuple[str, ...]
    commands: tuple[Command, ...]
    sources: tuple[Source, ...]
    """What its claims rest on."""
    speed_note: str = ""
    """What was measured on this machine beside what was estimated; empty where nothing was."""

    @property
    def headline(self) -> str:
        """Quantization, engine and context, as far as they apply."""
        parts = [
            self.quant,
            self.engine
            and (f"through the API of {self.engine}" if self.kind == "api" else f"on {self.engine}"),
            self.context and f"{self.context} tokens of context",
            self.kv_cache and f"KV cache in {self.kv_cache}",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Answer:
    """A recommendation."""

    candidates: tuple[Candidate, ...] = ()
    sources: tuple[Source, ...] = ()
    """All that are cited, where the numbers run through; empty where each candidate numbers its own."""
    rejected: tuple[tuple[str, str], ...] = ()
    would_change: tuple[tuple[str, str], ...] = ()
    assumptions: tuple[tuple[str, str, str], ...] = ()
    """Slot, value, why."""
    error: tuple[str, str] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


def read_answer(recommendation: Mapping[str, Any], *, number_each: bool = False) -> Answer:
    """Read the contract's recommendation; missing fields become `unknown` or are left out.

    Args:
        recommendation: As `recommend --json` prints it.
        number_each: Number the sources of each candidate from 1, for where one candidate is shown at a time.
    """
    shared = SourceList()
    entries = maps_of(recommendation.get("candidates"))
    candidates = tuple(
        _candidate(entry, place, entries[0], SourceList() if number_each else shared)
        for place, entry in enumerate(entries, start=1)
    )
    error = recommendation.get("error")
    return Answer(
        candidates=candidates,
        sources=tuple(shared.all()),
        rejected=tuple(
            (line_of(entry.get("model")), line_of(entry.get("reason")))
            for entry in maps_of(recommendation.get("rejected"))
        ),
        would_change=tuple(
            (line_of(entry.get("if")), line_of(entry.get("then")))
            for entry in maps_of(recommendation.get("would_change"))
        ),
        assumptions=tuple(
            (words(line_of(entry.get("slot"))), line_of(entry.get("value")), line_of(entry.get("why")))
            for entry in maps_of(recommendation.get("assumptions"))
        ),
        error=(line_of(error.get("message")), line_of(error.get("hint")))
        if isinstance(error, Mapping)
        else None,
        raw=recommendation,
    )


def _candidate(
    entry: Mapping[str, Any], place: int, best: Mapping[str, Any], sources: SourceList
) -> Candidate:
    memory, terms = map_of(entry.get("memory")), map_of(entry.get("license"))
    why = tuple(read_claims(entry, sources))
    score = tuple(read_score(entry, sources))
    cited = {number for claim in why for number in claim.sources}
    is_api = entry.get("kind") == "api"
    month = map_of(entry.get("cost")).get("usd_per_month")
    use = USES.get(line_of(terms.get("commercial_use")), USES["unknown"])
    note = line_of(terms.get("note"))
    rank, measured = entry.get("rank"), line_of(map_of(entry.get("speed")).get("note"))
    return Candidate(
        rank=int(rank) if isinstance(rank, int) else place,
        model=line_of(entry.get("model")) or "unnamed model",
        kind="api" if is_api else "local",
        quant="" if is_api else line_of(entry.get("quant")),
        engine=line_of(entry.get("engine")),
        context=tokens(entry["context"]) if is_number(entry.get("context")) else "",
        # A model that reads its text in one step, such as an encoder, keeps no cache.
        kv_cache="" if is_api or memory.get("kv_cache_bytes") == 0 else line_of(entry.get("kv_cache_type")),
        trade_off=trade_off(entry, best),
        memory="" if is_api else _memory_words(memory),
        host_memory=gib(host) if (host := _host(memory)) is not None and not is_api else "",
        speed=speed(map_of(entry.get("speed")).get("tokens_per_second")),
        speed_basis=measured or line_of(map_of(entry.get("speed")).get("basis")),
        speed_note=measured,
        license=line_of(terms.get("id")) or "unknown",
        license_words=f"{use}; {note}" if note else use,
        quality=_quality(entry),
        quality_words=_quality_words(entry),
        cost=_cost(month, is_api),
        facts=tuple(_facts(entry, memory)),
        bars=() if is_api else tuple(_bars(entry, memory)),
        why=why,
        score=score,
        sources=tuple(source for source in sources.all() if source.number in cited),
        caveats=tuple(_sentence(caveat) for caveat in entry.get("caveats") or ()),
        commands=tuple(
            Command(line_of(command.get("label")), clean(command.get("shell") or "").strip())
            for command in maps_of(entry.get("commands"))
        ),
    )


def _sentence(caveat: object) -> str:
    return line_of(caveat.get("text")) if isinstance(caveat, Mapping) else line_of(caveat)


def _cost(month: object, is_api: bool) -> str:
    """Dollars a month; what a machine of one's own costs to run is an estimate."""
    if not is_number(month):
        return ""
    return f"{'' if is_api else 'about '}{usd(month)} a month"


def _memory_words(memory: Mapping[str, Any]) -> str:
    total, available = memory.get("total_bytes"), memory.get("available_bytes")
    if not is_number(total):
        return "unknown"
    if not is_number(available) or not available:
        return gib(total)
    return f"{gib(total).removesuffix(' GiB')} of {gib(available)}"


def _host(memory: Mapping[str, Any]) -> int | None:
    """Bytes in system memory beside what the accelerators hold.

    Every model leaves a little there; it is worth a word where the machine must have it to spare.
    """
    host = memory.get("host_bytes")
    return int(host) if is_number(host) and host > GIB and memory.get("total_bytes") else None


def _quality(entry: Mapping[str, Any]) -> str:
    quality = map_of(entry.get("quality"))
    score = quality.get("score")
    if not is_number(score):
        return "unknown"
    shown = f"{float(score):.0f}" if float(score) > 1 else f"{float(score):.2f}"
    lost = quality.get("quantization_loss")
    word = "measured" if quality.get("measured") else "expected"
    if is_number(lost) and float(lost) >= WORTH_A_WORD:
        return f"{shown} ({float(score) + float(lost):.0f} {word} before quantization)"
    return f"{shown} {word}"


def _quality_words(entry: Mapping[str, Any]) -> str:
    """The score with its spread and what it rests on."""
    quality = map_of(entry.get("quality"))
    parts = [_quality(entry)]
    if parts[0] != "unknown" and is_number(quality.get("spread")):
        parts.append(f"give or take {float(quality['spread']):.0f}")
    note = line_of(quality.get("note"))
    lost = quality.get("quantization_loss")
    if is_number(lost) and float(lost) >= WORTH_A_WORD:
        note = f"{float(lost):.0f} of 100 points off for {line_of(entry.get('quant'))}; {note}"
    return ", ".join(parts) + (f" ({note})" if note else "")


def _training(entry: Mapping[str, Any]) -> str:
    """Memory of the training run, where the candidate is a base for one."""
    training = map_of(entry.get("training"))
    total = training.get("total_bytes")
    if not is_number(total):
        return ""
    text = gib(total)
    if is_number(training.get("low_bytes")) and is_number(training.get("high_bytes")):
        text += f" (between {gib(training['low_bytes'])} and {gib(training['high_bytes'])})"
    machine = training.get("hardware")
    name = line_of(machine.get("name") if isinstance(machine, Mapping) else machine)
    fits = {True: ": fits", False: ": does not fit"}.get(training.get("fits"), "")  # type: ignore[arg-type]
    return text + (f" on {name}" if name else "") + fits


def _facts(entry: Mapping[str, Any], memory: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Figures worth a line of their own under the headline; unknown ones are left out."""
    facts: list[tuple[str, str]] = []
    params = map_of(entry.get("params"))
    total, active = params.get("total_b"), params.get("active_b")
    if is_number(total):
        size = f"{round(float(total), 1):g}B parameters"
        if is_number(active) and active != total:
            size += f", {round(float(active), 1):g}B active"
        facts.append(("size", size))
    hardware = map_of(entry.get("hardware"))
    if hardware.get("name"):
        owned = hardware.get("owned")
        price = f", {usd(hardware['usd'])}" if is_number(hardware.get("usd")) else ""
        facts.append(
            ("runs on", line_of(hardware["name"]) + ("" if owned is not False else " (not owned)") + price)
        )
    if download := _download(entry, memory):
        facts.append(("download", download))
    if text := _training(entry):
        facts.append(("training", text))
    for companion in entry.get("companions") or ():
        name = companion.get("model") if isinstance(companion, Mapping) else companion
        role = line_of(companion.get("role")) if isinstance(companion, Mapping) else ""
        facts.append((role or "with", line_of(name)))
    return facts


def _download(entry: Mapping[str, Any], memory: Mapping[str, Any]) -> str:
    """What has to be downloaded, beside the free disk where it is known."""
    size, free = entry.get("download_bytes"), entry.get("free_disk_bytes")
    if entry.get("pulled"):
        return "on this computer already"
    if not is_number(size):
        size = memory.get("file_bytes")
    if not is_number(size) or not size:
        return ""
    return gib(size) + (f"; {gib(free)} of disk are free" if is_number(free) else "")


def _bars(entry: Mapping[str, Any], memory: Mapping[str, Any]) -> list[Bar]:
    devices = maps_of(memory.get("per_device")) or maps_of(entry.get("per_device"))
    name = line_of(map_of(entry.get("hardware")).get("name")) or "memory"
    if not devices and is_number(memory.get("total_bytes")):
        devices = [{**memory, "device": name}]
    bars = [
        Bar(
            device=line_of(device.get("device")) or name,
            parts=tuple((word, int(device.get(key) or 0)) for word, key in PARTS),
            available=_available(device, memory, alone=len(devices) == 1),
        )
        for device in devices
    ]
    host = _host(memory)
    if bars and host is not None:
        bars.append(Bar("System memory", (("weights and buffers", host),), None))
    return bars


def _available(device: Mapping[str, Any], memory: Mapping[str, Any], *, alone: bool) -> int | None:
    for key in ("available_bytes", "memory_bytes"):
        if is_number(device.get(key)) and device[key]:
            return int(device[key])
    if alone and is_number(memory.get("available_bytes")) and memory["available_bytes"]:
        return int(memory["available_bytes"])
    return None
