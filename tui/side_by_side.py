"""Models side by side as rows of cells, the best of each row known; for the screen and the command line.

The figures are those of `compare` and, for the options of a recommendation, of the recommendation itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.claims import line_of, map_of, maps_of
from tui.plaintext import clean, gib, is_number, speed, tokens, usd, words

Document = Mapping[str, Any]
UNKNOWN = "unknown"
BENCHMARKS = "Benchmarks in the same setting"
OTHER_SETTING = "(other setting)"
"""Behind a score that stands in no common setting."""
NONE = "-"
"""In a cell that a model has no figure for by its nature: the memory of a model behind an API."""
TAKEN = (
    *("model", "model_id", "kind", "params", "features", "context_length", "release_date", "quant", "engine"),
    *("context", "parallel", "kv_cache_type", "memory", "speed", "quality", "license", "cost"),
)
"""What a comparison takes from an option of a recommendation."""
USE_RANK = {"yes": 2.0, "conditional": 1.0, "no": 0.0}
USE_WORDS = {"yes": "yes", "conditional": "with conditions", "no": "no"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure."""

    text: str
    value: float | None = None
    """What the row is decided by, more being better; None where it is not known or decides nothing."""
    note: str = ""
    """What this figure rests on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One property of all models."""

    label: str
    cells: tuple[Cell, ...]
    group: str = ""
    note: str = ""
    """Unit, source, and what counts as best."""

    @property
    def differs(self) -> bool:
        """Whether two cells are not the same."""
        return len({cell.text for cell in self.cells}) > 1

    @property
    def best(self) -> frozenset[int]:
        """Places of the best cells; none where nothing is compared or all are equal."""
        values = {place: cell.value for place, cell in enumerate(self.cells) if cell.value is not None}
        if len(values) < 2 or not self.differs:
            return frozenset()
        top = max(values, key=lambda place: values[place] or 0.0)
        equal = {p for p in values if values[p] == values[top] or self.cells[p].text == self.cells[top].text}
        return frozenset() if equal == set(values) else frozenset(equal)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The whole comparison."""

    names: tuple[str, ...]
    ids: tuple[str, ...]
    rows: tuple[Row, ...]
    where: str
    """What memory and speed are for, in one sentence."""
    notes: tuple[str, ...] = ()

    def shown(self, *, differences_only: bool) -> tuple[Row, ...]:
        """The rows; on wish only those that tell the models apart (one model alone keeps all)."""
        if not differences_only or len(self.names) < 2:
            return self.rows
        return tuple(row for row in self.rows if row.differs)


def with_option(entry: Document, option: Document) -> dict[str, Any]:
    """A model of `compare` with the configuration that a recommendation chose for it.

    Args:
        entry: The model as `compare` has it; empty where it knows none of this name.
        option: The candidate of the recommendation.
    """
    merged = {**entry, **{key: option[key] for key in TAKEN if option.get(key) is not None}}
    if merged.get("kind") == "api":
        merged |= {"memory": None, "quant": None, "engine": None}
    # The benchmarks of `compare` go by the name that the model has there.
    merged["scored_as"] = entry.get("model")
    return merged | {"rank": option.get("rank"), "machine": map_of(option.get("hardware")).get("name")}


def read_side_by_side(document: Document) -> SideBySide:
    """The rows of a `compare` document, whose models may carry an option's configuration."""
    models = maps_of(document.get("models"))
    rows = [
        *_facts(models),
        *_running(models, measured=document.get("hardware") is not None),
        *_worth(models),
        *_benchmarks(document, models),
    ]
    hardware = line_of(document.get("hardware"))
    where = f" on {hardware}" if hardware else ""
    return SideBySide(
        names=tuple(line_of(model.get("model")) for model in models),
        ids=tuple(line_of(model.get("model_id")) or line_of(model.get("model")) for model in models),
        rows=tuple(row for row in rows if any(cell.text != NONE for cell in row.cells)),
        where=f"Memory with {_length(document)}{where}.",
        notes=tuple(clean(note, one_line=True) for note in document.get("caveats") or ()),
    )


def _row(
    label: str, group: str, note: str, read: Callable[[Document], Cell], models: Sequence[Document]
) -> Row:
    return Row(label, tuple(read(model) for model in models), group, note)


def _facts(models: Sequence[Document]) -> list[Row]:
    group = "The model"
    rows = [
        _row("parameters", group, "In billions; neither more nor fewer is better by itself.", _sizes, models),
        _row("license", group, "The license's id; the next line says what it allows.", _license, models),
        _row("commercial use", group, "Freer is marked.", _use, models),
        _row("context length", group, "Tokens that the model reads; longer is marked.", _window, models),
        _row("released", group, "Newer is marked; it is not better by itself.", _released, models),
        _row("features", group, "What it can do, as far as it is known.", _features, models),
    ]
    if any(is_number(model.get("rank")) for model in models):
        rows.insert(0, _row("rank", group, "In the recommendation of this conversation.", _rank, models))
    return rows


def _rank(model: Document) -> Cell:
    rank = model.get("rank")
    return Cell(str(rank), -float(rank)) if is_number(rank) else Cell("not among them")


def _sizes(model: Document) -> Cell:
    params = map_of(model.get("params"))
    total, active = params.get("total_b"), params.get("active_b")
    if not is_number(total):
        return Cell(UNKNOWN)
    text = f"{total:.3g}B"
    return Cell(text if not is_number(active) or active == total else f"{text}, {active:.3g}B active")


def _license(model: Document) -> Cell:
    terms = model.get("license")
    if model.get("kind") == "api":
        return Cell("the provider's terms")
    return Cell(line_of(map_of(terms).get("id")) or UNKNOWN, note=_license_note(map_of(terms)))


def _license_note(terms: Document) -> str:
    source, day = line_of(terms.get("source")), line_of(terms.get("as_of"))
    return ", ".join(part for part in (source, day and f"as of {day}") if part)


def _use(model: Document) -> Cell:
    if model.get("kind") == "api":
        return Cell("the provider's terms")
    terms = map_of(model.get("license"))
    use = line_of(terms.get("commercial_use"))
    return Cell(USE_WORDS.get(use, UNKNOWN), USE_RANK.get(use), line_of(terms.get("note")))


def _length(document: Document) -> str:
    """The context, and for how many conversations."""
    context, slots = document.get("context"), document.get("parallel")
    if is_number(context) and is_number(slots) and slots > 1:
        return f"{tokens(int(context) // int(slots))} tokens of context for each of {slots} conversations"
    return f"{tokens(context)} tokens of context"


def _window(model: Document) -> Cell:
    length = model.get("context_length")
    return Cell(tokens(length), float(length)) if is_number(length) else Cell(UNKNOWN)


def _released(model: Document) -> Cell:
    day = line_of(model.get("release_date"))
    digits = "".join(char for char in day if char.isdigit()).ljust(8, "0")
    return Cell(day, float(digits)) if day and digits[:8].isdigit() else Cell(day or UNKNOWN)


def _features(model: Document) -> Cell:
    return Cell(", ".join(words(str(one)) for one in model.get("features") or ()) or UNKNOWN)


def _running(models: Sequence[Document], *, measured: bool) -> list[Row]:
    group = "Running it"
    rows = [
        _row(
            "quantization",
            group,
            "Format of the weights, the engine, the type of the KV cache.",
            _format,
            models,
        )
    ]
    for label, key in (
        ("memory in all", "total_bytes"),
        ("weights", "weights_bytes"),
        ("KV cache", "kv_cache_bytes"),
        ("download", "file_bytes"),
    ):
        rows.append(_row(label, group, "GiB, estimated; less is marked.", _memory(key), models))
    if measured or any(is_number(model.get("rank")) for model in models):
        rows.append(
            _row(
                "fits",
                group,
                "Whether all has room; a reserve is kept for the options of the recommendation only.",
                _fits,
                models,
            )
        )
        note = "Tokens per second of one conversation, expected; faster is marked."
        rows.append(_row("speed", group, note, _speed, models))
    return rows


def _format(model: Document) -> Cell:
    if not model.get("quant"):
        return Cell("an API" if model.get("kind") == "api" else UNKNOWN)
    cache = line_of(model.get("kv_cache_type"))
    extra = f", KV cache {cache}" if cache and cache not in ("f16", "auto") else ""
    machine = line_of(model.get("machine"))
    return Cell(f"{line_of(model['quant'])} on {line_of(model.get('engine'))}{extra}", note=machine)


def _memory(key: str) -> Callable[[Document], Cell]:
    def read(model: Document) -> Cell:
        memory = model.get("memory")
        if memory is None:
            return Cell(NONE if model.get("kind") == "api" else UNKNOWN)
        amount = map_of(memory).get(key)
        if not is_number(amount):
            return Cell(UNKNOWN, note=line_of(map_of(map_of(memory).get("error")).get("message")))
        return Cell(gib(amount), -float(amount), _memory_note(model, key))

    return read


def _memory_note(model: Document, key: str) -> str:
    memory = map_of(model.get("memory"))
    if key != "total_bytes":
        return ""
    context = f"{tokens(model['context'])} of context" if is_number(model.get("context")) else ""
    low, high = memory.get("low_bytes"), memory.get("high_bytes")
    between = f"between {gib(low)} and {gib(high)}" if is_number(low) and is_number(high) else ""
    there = memory.get("available_bytes")
    have = f"{gib(there)} there" if is_number(there) else ""
    return "; ".join(part for part in (context, between, have) if part)


def _fits(model: Document) -> Cell:
    if model.get("memory") is None:
        return Cell(NONE if model.get("kind") == "api" else UNKNOWN)
    fits = map_of(model["memory"]).get("fits")
    return Cell("yes" if fits else "no", float(fits)) if isinstance(fits, bool) else Cell(UNKNOWN)


def _speed(model: Document) -> Cell:
    told = map_of(model.get("speed"))
    rates = map_of(told.get("tokens_per_second"))
    value = float(rates["mid"]) if is_number(rates.get("mid")) else None
    measured = " measured" if map_of(told.get("measured")).get("exact") is True else ""
    return Cell(speed(rates) + measured, value, line_of(told.get("note") or told.get("basis")))


def _worth(models: Sequence[Document]) -> list[Row]:
    group = "Worth and price"
    tasks = dict.fromkeys(line_of(map_of(model.get("quality")).get("task")) for model in models)
    for_task = f" for {', '.join(task for task in tasks if task)}" if any(tasks) else ""
    note = f"Score{for_task}, 0 to 100, give or take its uncertainty; higher is marked."
    rows = [_row("quality", group, note, _quality, models)]
    if any(map_of(model.get("price")) for model in models):
        note = "US dollars per million tokens, input and output; less (three parts input) is marked."
        rows.append(_row("price", group, note, _price, models))
    if any(is_number(map_of(model.get("cost")).get("usd_per_month")) for model in models):
        note = "US dollars a month, as the recommendation reckons; less is marked."
        rows.append(_row("cost", group, note, _cost, models))
    return rows


def _quality(model: Document) -> Cell:
    quality = map_of(model.get("quality"))
    score, spread = quality.get("score"), quality.get("spread")
    if not is_number(score):
        return Cell(UNKNOWN)
    give = f" +/-{spread:.0f}" if is_number(spread) else ""
    text = f"{score:.0f}{give} measured" if quality.get("measured") else f"about {score:.0f}{give}, expected"
    return Cell(text, float(score), line_of(quality.get("note")))


def _price(model: Document) -> Cell:
    price = map_of(model.get("price"))
    if not price:
        return Cell(UNKNOWN if model.get("kind") == "api" else "none (runs locally)")
    given, made = price.get("input_usd_per_mtok"), price.get("output_usd_per_mtok")
    if not is_number(given):
        return Cell(UNKNOWN)
    source = line_of(price.get("source"))
    if not is_number(made):
        return Cell(f"{usd(given)} in", -float(given), source)
    return Cell(f"{usd(given)} in, {usd(made)} out", -(3.0 * float(given) + float(made)), source)


def _cost(model: Document) -> Cell:
    month = map_of(model.get("cost")).get("usd_per_month")
    return Cell(f"{usd(month)} a month", -float(month)) if is_number(month) else Cell(UNKNOWN)


def _benchmarks(document: Document, models: Sequence[Document]) -> list[Row]:
    rows = []
    for shared in maps_of(document.get("benchmarks")):
        sign = 1.0 if shared.get("higher_is_better", True) else -1.0
        scores = map_of(shared.get("scores"))
        note = [
            f"{line_of(shared.get('unit'))}, {'higher' if sign > 0 else 'lower'} is marked",
            line_of(shared.get("setting")),
            f"{line_of(shared.get('run_by'))}, {line_of(shared.get('as_of'))}",
            line_of(shared.get("source")),
        ]
        names = [line_of(model.get("scored_as") or model.get("model")) for model in models]
        cells = tuple(_benchmark(scores.get(name), shared, name, sign) for name in names)
        rows.append(
            Row(
                line_of(shared.get("benchmark")),
                cells,
                BENCHMARKS,
                "; ".join(part for part in note if part),
            )
        )
    return rows


def _benchmark(score: object, shared: Document, name: str, sign: float) -> Cell:
    """A score; one of another setting is shown as such and not compared."""
    if is_number(score):
        return Cell(f"{score:.5g}", sign * float(score))
    other = map_of(map_of(shared.get("elsewhere")).get(name))
    if not is_number(other.get("score")):
        return Cell(UNKNOWN)
    note = f"in another setting ({line_of(other.get('setting'))}), so it is not compared"
    return Cell(f"{other['score']:.5g} {OTHER_SETTING}", note=note)


def as_markdown(view: SideBySide, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, the best cells in bold."""

    def escaped(text: str) -> str:
        return text.replace("|", "\\|")

    lines = [
        "|  | " + " | ".join(escaped(name) for name in view.names) + " |",
        "| --- |" + " --- |" * len(view.names),
    ]
    for row in rows:
        cells = (
            f"**{escaped(cell.text)}**" if place in row.best else escaped(cell.text)
            for place, cell in enumerate(row.cells)
        )
        lines.append(f"| {escaped(row.label)} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", view.where, "Bold: the best of a line."])
