"""The recommendation as the screen needs it: read tolerantly from the contract's JSON, sources numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.plaintext import GIB, clean, gib, is_number, speed, tokens, usd, words
from tui.trade_off import trade_off

PARTS = (
    ("weights", "weights_bytes"),
    ("KV cache", "kv_cache_bytes"),
    ("compute", "compute_bytes"),
    ("overhead", "overhead_bytes"),
)
"""Parts of a memory bar, in drawing order: the word for people and the contract's key."""
USES = {
    "yes": "commercial use: yes",
    "conditional": "commercial use: with conditions",
    "no": "commercial use: no",
    "unknown": "commercial use: unknown",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One numbered source."""

    number: int
    kind: str
    source: str
    locator: str

    @property
    def label(self) -> str:
        """One line that names it: the guide and its heading, or what kind of fact it is."""
        name = self.source or self.locator
        if self.kind == "guide" and "#" in self.locator:
            heading = self.locator.split("#", 1)[1].rsplit(":", 1)[0].replace("-", " ").strip()
            lines = self.locator.rsplit(":", 1)[-1]
            where = f", lines {lines}" if lines[:1].isdigit() else ""
            return f"guide: {name}" + (f", {heading}" if heading and heading not in name else "") + where
        return f"{self.kind}: {name}" if self.kind else name


class SourceList:
    """Numbers the sources of one text in the order of their first use; the same source keeps its number."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Source] = {}

    def add(self, evidence: Mapping[str, Any]) -> Source:
        """The numbered source of one `evidence` object."""
        key = tuple(clean(evidence.get(name) or "", one_line=True) for name in ("kind", "source", "locator"))
        kind, source, locator = key
        if (kind, source, locator) not in self._known:
            self._known[kind, source, locator] = Source(len(self._known) + 1, kind, source, locator)
        return self._known[kind, source, locator]

    def all(self) -> list[Source]:
        """Every source, in number order."""
        return list(self._known.values())


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
class Claim:
    """A sentence with the numbers of its sources."""

    text: str
    sources: tuple[int, ...] = ()


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
    caveats: tuple[str, ...]
    commands: tuple[Command, ...]
    sources: tuple[Source, ...]
    """What its claims rest on."""

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
    entries = _maps(recommendation.get("candidates"))
    candidates = tuple(
        _candidate(entry, place, entries[0], SourceList() if number_each else shared)
        for place, entry in enumerate(entries, start=1)
    )
    error = recommendation.get("error")
    return Answer(
        candidates=candidates,
        sources=tuple(shared.all()),
        rejected=tuple(
            (_line(entry.get("model")), _line(entry.get("reason")))
            for entry in _maps(recommendation.get("rejected"))
        ),
        would_change=tuple(
            (_line(entry.get("if")), _line(entry.get("then")))
            for entry in _maps(recommendation.get("would_change"))
        ),
        assumptions=tuple(
            (words(_line(entry.get("slot"))), _line(entry.get("value")), _line(entry.get("why")))
            for entry in _maps(recommendation.get("assumptions"))
        ),
        error=(_line(error.get("message")), _line(error.get("hint"))) if isinstance(error, Mapping) else None,
        raw=recommendation,
    )


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _line(value: object) -> str:
    return "" if value is None else clean(value, one_line=True)


def _candidate(
    entry: Mapping[str, Any], place: int, best: Mapping[str, Any], sources: SourceList
) -> Candidate:
    memory, terms = _map(entry.get("memory")), _map(entry.get("license"))
    why = tuple(_claims(entry, sources))
    cited = {number for claim in why for number in claim.sources}
    is_api = entry.get("kind") == "api"
    month = _map(entry.get("cost")).get("usd_per_month")
    use = USES.get(_line(terms.get("commercial_use")), USES["unknown"])
    note = _line(terms.get("note"))
    rank = entry.get("rank")
    return Candidate(
        rank=int(rank) if isinstance(rank, int) else place,
        model=_line(entry.get("model")) or "unnamed model",
        kind="api" if is_api else "local",
        quant="" if is_api else _line(entry.get("quant")),
        engine=_line(entry.get("engine")),
        context=tokens(entry["context"]) if is_number(entry.get("context")) else "",
        kv_cache="" if is_api else _line(entry.get("kv_cache_type")),
        trade_off=trade_off(entry, best),
        memory="" if is_api else _memory_words(memory),
        host_memory=gib(host) if (host := _host(memory)) is not None and not is_api else "",
        speed=speed(_map(entry.get("speed")).get("tokens_per_second")),
        speed_basis=_line(_map(entry.get("speed")).get("basis")),
        license=_line(terms.get("id")) or "unknown",
        license_words=f"{use}; {note}" if note else use,
        quality=_quality(entry),
        quality_words=_quality_words(entry),
        cost=f"{usd(month)} a month" if is_number(month) else "",
        facts=tuple(_facts(entry, memory)),
        bars=() if is_api else tuple(_bars(entry, memory)),
        why=why,
        sources=tuple(source for source in sources.all() if source.number in cited),
        caveats=tuple(_sentence(caveat) for caveat in entry.get("caveats") or ()),
        commands=tuple(
            Command(_line(command.get("label")), clean(command.get("shell") or "").strip())
            for command in _maps(entry.get("commands"))
        ),
    )


def _sentence(caveat: object) -> str:
    return _line(caveat.get("text")) if isinstance(caveat, Mapping) else _line(caveat)


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
    quality = _map(entry.get("quality"))
    score = quality.get("score")
    if not is_number(score):
        return "unknown"
    shown = f"{float(score):.0f}" if float(score) > 1 else f"{float(score):.2f}"
    return f"{shown} measured" if quality.get("measured") else f"{shown} expected"


def _quality_words(entry: Mapping[str, Any]) -> str:
    """The score with its spread and what it rests on."""
    quality = _map(entry.get("quality"))
    parts = [_quality(entry)]
    if parts[0] != "unknown" and is_number(quality.get("spread")):
        parts.append(f"give or take {float(quality['spread']):.0f}")
    note = _line(quality.get("note"))
    return ", ".join(parts) + (f" ({note})" if note else "")


def _training(entry: Mapping[str, Any]) -> str:
    """Memory of the training run, where the candidate is a base for one."""
    training = _map(entry.get("training"))
    total = training.get("total_bytes")
    if not is_number(total):
        return ""
    text = gib(total)
    if is_number(training.get("low_bytes")) and is_number(training.get("high_bytes")):
        text += f" (between {gib(training['low_bytes'])} and {gib(training['high_bytes'])})"
    machine = training.get("hardware")
    name = _line(machine.get("name") if isinstance(machine, Mapping) else machine)
    fits = {True: ": fits", False: ": does not fit"}.get(training.get("fits"), "")  # type: ignore[arg-type]
    return text + (f" on {name}" if name else "") + fits


def _facts(entry: Mapping[str, Any], memory: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Figures worth a line of their own under the headline; unknown ones are left out."""
    facts: list[tuple[str, str]] = []
    params = _map(entry.get("params"))
    total, active = params.get("total_b"), params.get("active_b")
    if is_number(total):
        size = f"{round(float(total), 1):g}B parameters"
        if is_number(active) and active != total:
            size += f", {round(float(active), 1):g}B active"
        facts.append(("size", size))
    hardware = _map(entry.get("hardware"))
    if hardware.get("name"):
        owned = hardware.get("owned")
        price = f", {usd(hardware['usd'])}" if is_number(hardware.get("usd")) else ""
        facts.append(
            ("runs on", _line(hardware["name"]) + ("" if owned is not False else " (not owned)") + price)
        )
    if is_number(memory.get("file_bytes")) and memory["file_bytes"]:
        facts.append(("download", gib(memory["file_bytes"])))
    if text := _training(entry):
        facts.append(("training", text))
    for companion in entry.get("companions") or ():
        name = companion.get("model") if isinstance(companion, Mapping) else companion
        role = _line(companion.get("role")) if isinstance(companion, Mapping) else ""
        facts.append((role or "with", _line(name)))
    return facts


def _bars(entry: Mapping[str, Any], memory: Mapping[str, Any]) -> list[Bar]:
    devices = _maps(memory.get("per_device")) or _maps(entry.get("per_device"))
    name = _line(_map(entry.get("hardware")).get("name")) or "memory"
    if not devices and is_number(memory.get("total_bytes")):
        devices = [{**memory, "device": name}]
    bars = [
        Bar(
            device=_line(device.get("device")) or name,
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


def _claims(entry: Mapping[str, Any], sources: SourceList) -> list[Claim]:
    claims: list[Claim] = []
    for reason in entry.get("why") or ():
        if isinstance(reason, Mapping):
            numbers = tuple(dict.fromkeys(sources.add(item).number for item in _maps(reason.get("evidence"))))
            claims.append(Claim(_line(reason.get("text")), numbers))
        else:
            claims.append(Claim(_line(reason)))
    return claims
