"""The card of a model: facts with numbered sources, scores, memory by context; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.answer import WORTH_A_WORD, Command
from tui.card_facts import Facts, api_facts, architecture_facts, identity_facts, kin_facts, license_facts
from tui.claims import Claim, Source, SourceList, line_of, map_of, maps_of
from tui.plaintext import clean, gib, is_number, speed, tokens

Document = Mapping[str, Any]
PARTS = ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what, and the sources it rests on."""

    label: str
    text: str
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Facts under a heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One published result."""

    benchmark: str
    score: str
    day: str
    trust: str
    """Who ran it, and why it counts little where it does."""
    detail: str
    """Unit and setting."""
    source: int


@dataclass(frozen=True, slots=True)
class Held:
    """Memory with one context, in bytes."""

    context: str
    parts: tuple[int, ...]
    """Weights, KV cache, compute, overhead."""
    total: int
    host: int
    fits: bool | None
    needed: bool

    @property
    def verdict(self) -> str:
        """Whether it fits, in a word; empty where no machine is known."""
        return "" if self.fits is None else ("fits" if self.fits else "does not fit")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory by context."""

    configuration: str
    rows: tuple[Held, ...]
    available: int | None
    machine: str
    source: int | None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """Everything about one model."""

    name: str
    model_id: str
    note: str
    identity: Group
    terms: Group
    """License, or price of a model behind an API."""
    about: tuple[Group, ...]
    """Architecture, kin and uploads."""
    task: str
    quality: Claim | None
    scores: tuple[Score, ...]
    memory: Memory | None
    memory_problem: str
    overtaken: tuple[Claim, ...]
    commands: tuple[Command, ...]
    unknown: tuple[str, ...]
    sources: tuple[Source, ...]
    age: str
    """How old the facts are; empty where that is not told."""
    caveats: tuple[str, ...]


def read_card(document: Document) -> Card:
    """The card of a `tools.commands.card` document."""
    sources = SourceList()
    is_api = "mode" in document
    unknown: list[str] = []

    def group(title: str, rows: Facts) -> Group:
        unknown.extend(label for label, text, _ in rows if not text)
        return Group(title, tuple(_facts(rows, document, sources)))

    # In the order in which they are shown: sources are numbered by their first use.
    identity = group("The model", identity_facts(document))
    quality = _quality(map_of(document.get("quality")), sources)
    memory = _memory(document, sources)
    terms = group("Price", api_facts(document)) if is_api else group("License", license_facts(document))
    scores = tuple(_scores(map_of(document.get("benchmarks")), sources))
    overtaken = tuple(_overtaken(document, sources))
    about = []
    if not is_api:
        about = [
            _measured(document, sources),
            group("Architecture", architecture_facts(document)),
            group("Kin and uploads", kin_facts(document)),
        ]
    return Card(
        name=line_of(document.get("model")),
        model_id=line_of(document.get("model_id")),
        note=line_of(document.get("note")),
        identity=identity,
        terms=terms,
        about=tuple(one for one in about if one.facts),
        task=line_of(document.get("task")),
        quality=quality,
        scores=scores,
        memory=memory,
        memory_problem=_problem(document, is_api),
        overtaken=overtaken,
        commands=tuple(
            Command(line_of(one.get("label")), clean(one.get("shell") or "").strip())
            for one in maps_of(document.get("commands"))
        ),
        unknown=tuple(dict.fromkeys(unknown)),
        sources=tuple(sources.all()),
        age=line_of(map_of(document.get("facts")).get("line")),
        caveats=tuple(line_of(one) for one in document.get("caveats") or ()),
    )


def _facts(rows: Facts, document: Document, sources: SourceList) -> Iterable[Fact]:
    fields, model = map_of(document.get("sources")), line_of(document.get("model_id"))
    for label, text, origin in rows:
        if not text:
            continue
        told = origin if " " in origin else fields.get(origin) or fields.get("*")
        number: tuple[int, ...] = ()
        if told:
            number = (sources.add({"kind": "catalog", "source": line_of(told), "locator": model}).number,)
        yield Fact(label, text, number)


def _measured(document: Document, sources: SourceList) -> Group:
    """What `bench` measured of the model on this machine, beside the estimates."""
    facts = []
    for row in maps_of(document.get("measured_here")):
        day, many = line_of(row.get("date")), row.get("parallel")
        number = sources.add(
            {"kind": "measurement", "source": "`bench` on this machine", "locator": day}
        ).number
        at_once = f", {many} at once" if is_number(many) and many > 1 else ""
        told = "; ".join(_length(length) for length in maps_of(row.get("lengths")))
        label = f"{line_of(row.get('quant'))} on {line_of(row.get('engine'))}{at_once}"
        facts.append(Fact(label, f"{day}: {told}", (number,)))
    return Group("Measured on this machine", tuple(facts))


def _length(row: Document) -> str:
    estimate = map_of(row.get("estimate")).get("tokens_per_second")
    alone = f" (estimate alone {estimate:.1f})" if is_number(estimate) else ""
    return f"{speed(row.get('tokens_per_second'))} with {tokens(row.get('tokens'))} tokens{alone}"


def _quality(quality: Document, sources: SourceList) -> Claim | None:
    score, spread = quality.get("score"), quality.get("spread")
    if not is_number(score):
        return None
    give = f", give or take {spread:.0f}" if is_number(spread) else ""
    word = "measured" if quality.get("measured") else "expected, not measured"
    lost, note = quality.get("quantization_loss"), line_of(quality.get("note"))
    if is_number(lost) and lost >= WORTH_A_WORD:
        word += f", after {lost:.0f} off for the quantization"
    numbers = _numbers(quality.get("basis"), sources)
    return Claim(f"{score:.0f} of 100{give}, {word}" + (f" ({note})" if note else ""), numbers)


def _numbers(evidence: object, sources: SourceList) -> tuple[int, ...]:
    return tuple(dict.fromkeys(sources.add(one).number for one in maps_of(evidence)))


def _scores(benchmarks: Document, sources: SourceList) -> Iterable[Score]:
    for result in maps_of(benchmarks.get("results")):
        score = result.get("score")
        by = "independent" if result.get("run_by") == "independent" else "its maker"
        doubts = "; ".join(line_of(doubt) for doubt in result.get("doubts") or ())
        unit = line_of(result.get("unit"))
        lower = "" if result.get("higher_is_better", True) else ", lower is better"
        source = sources.add(
            {
                "kind": "benchmark",
                "source": line_of(result.get("source")),
                "locator": line_of(result.get("setting")),
            }
        )
        yield Score(
            benchmark=line_of(result.get("benchmark")),
            score=f"{score:.5g}" if is_number(score) else "unknown",
            day=line_of(result.get("as_of")),
            trust=f"{by}; counts little: {doubts}" if doubts else by,
            detail=", ".join(part for part in (unit + lower, line_of(result.get("setting"))) if part),
            source=source.number,
        )


def _memory(document: Document, sources: SourceList) -> Memory | None:
    rows = maps_of(document.get("memory"))
    if not rows:
        return None
    first = rows[0]
    cache = line_of(first.get("kv_cache_type"))
    slots = first.get("parallel")
    several = f", {slots} conversations at once" if is_number(slots) and slots > 1 else ""
    available = _room(rows)
    formula = line_of(first.get("formula"))
    evidence = {"kind": "tool", "source": "the advisor's memory estimate", "locator": formula}
    caveats = dict.fromkeys(line_of(caveat) for row in rows for caveat in row.get("caveats") or ())
    return Memory(
        configuration=f"{line_of(first.get('quant'))} on {line_of(first.get('engine'))}"
        + (f", KV cache in {cache}" if any(row.get("kv_cache_bytes") for row in rows) else "")
        + several,
        rows=tuple(_held(row) for row in rows),
        available=available,
        machine=line_of(first.get("hardware")),
        source=sources.add(evidence).number if formula else None,
        caveats=tuple(caveat for caveat in caveats if caveat),
    )


def _room(rows: Sequence[Document]) -> int | None:
    """Bytes that a model may take, as an answer counts them; all there is where what is needed takes more."""
    usable, there = (rows[0].get(key) for key in ("usable_bytes", "available_bytes"))
    needed = max((int(row.get("total_bytes") or 0) for row in rows if row.get("needed")), default=0)
    chosen = usable if is_number(usable) and needed <= usable else there
    return int(chosen) if is_number(chosen) else None


def _held(row: Document) -> Held:
    slots = row.get("parallel")
    context = row.get("context")
    each = int(context) // int(slots) if is_number(context) and is_number(slots) and slots else context
    fits = row.get("fits")
    return Held(
        context=tokens(each),
        parts=tuple(int(row.get(key) or 0) for key in PARTS),
        total=int(row.get("total_bytes") or 0),
        host=int(row.get("host_bytes") or 0),
        fits=fits if isinstance(fits, bool) else None,
        needed=bool(row.get("needed")),
    )


def _problem(document: Document, is_api: bool) -> str:
    if is_api:
        return "It runs at its provider and takes no memory here."
    error = map_of(document.get("memory_error"))
    return " ".join(line_of(error.get(key)) for key in ("message", "hint") if error.get(key))


def _overtaken(document: Document, sources: SourceList) -> Iterable[Claim]:
    for standing in maps_of(document.get("standings")):
        evidence = [row for newer in maps_of(standing.get("by")) for row in maps_of(newer.get("evidence"))]
        yield Claim(line_of(standing.get("line")), _numbers(evidence, sources))


def _marks(numbers: Sequence[int]) -> str:
    return "".join(f" [{number}]" for number in numbers)


def as_markdown(card: Card) -> str:
    """The whole card as Markdown, with its numbered sources."""
    lines = [f"# {card.name}", "", *([card.note, ""] if card.note else [])]
    lines += _group_markdown(card.identity)
    if card.quality is not None:
        lines += [f"## Quality for {card.task}", "", card.quality.text + _marks(card.quality.sources), ""]
    lines += _memory_markdown(card.memory) if card.memory is not None else []
    lines += _group_markdown(card.terms)
    if card.scores:
        lines += ["## Benchmarks", "", "| benchmark | score | date | run by | on | source |"]
        lines.append("| --- | ---: | --- | --- | --- | --- |")
        lines += [
            f"| {one.benchmark} | {one.score} | {one.day} | {one.trust} | {one.detail} | [{one.source}] |"
            for one in card.scores
        ]
        lines.append("")
    if card.overtaken:
        lines += ["## What has overtaken it", ""]
        lines += [f"- {claim.text}{_marks(claim.sources)}" for claim in card.overtaken] + [""]
    for group in card.about:
        lines += _group_markdown(group)
    if card.commands:
        lines += ["## How to get it", "", "```sh"]
        lines += [f"# {one.label}\n{one.shell}" for one in card.commands] + ["```", ""]
    if card.unknown:
        lines += [f"Unknown: {', '.join(card.unknown)}.", ""]
    lines += [f"[{one.number}] {one.label}" for one in card.sources]
    return "\n".join([*lines, *(["", *card.caveats, card.age] if card.age else [])])


def _group_markdown(group: Group) -> list[str]:
    facts = [f"- {fact.label}: {fact.text}{_marks(fact.sources)}" for fact in group.facts]
    return [f"## {group.title}", "", *facts, ""] if facts else []


def _memory_markdown(memory: Memory) -> list[str]:
    where = f" on {memory.machine}" if memory.machine else ""
    marks = _marks((memory.source,)) if memory.source is not None else ""
    lines = [f"## Memory{where}", "", f"{memory.configuration}, estimated{marks}.", ""]
    lines += ["| context | weights | KV cache | compute | overhead | in all | |", "|" + " --- |" * 7]
    for row in memory.rows:
        figures = " | ".join(gib(part) for part in (*row.parts, row.total))
        lines.append(f"| {row.context} | {figures} | {row.verdict} |")
    return [*lines, ""]
