"""`plan finetune`: the command and its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.plan_finetune import FinetuneQuery, plan_finetune
from tui.age_text import age_lines
from tui.output import bold, bullets, section, size, table, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command
from tui.sizing_text import evidence_lines

Document = Mapping[str, Any]
GIB = 1 << 30
BOXES = {"yes": "[x]", "no": "[ ] no:", "to do": "[ ] to do:"}
PARTS = (
    ("weights", "weights_bytes"),
    ("adapters", "adapter_bytes"),
    ("gradients", "gradient_bytes"),
    ("optimizer", "optimizer_bytes"),
    ("activations", "activation_bytes"),
    ("logits", "logits_bytes"),
    ("overhead", "overhead_bytes"),
)


def finetune_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan finetune`."""
    machines = document["hardware"]
    lines = [bold("Fine-tuning plan"), ""]
    rows = [
        ["train on", clean(machines["training"])],
        ["use on", clean(machines["use"])],
        ["data", _data(document["request"])],
    ]
    lines += table(rows)
    lines += section("Is it worth it?", wrapped(document["worth"]["text"], "  ", "  "))
    bases = document["bases"]
    if len(bases) > 1:
        lines += section("Bases, the best first", _overview(bases))
    for base in bases[: None if why else 1]:
        lines += _base(base, why)
    lines += _tunability(document["tunability"], why)
    refused = (f"{item['model']}: {item['reason']}" for item in document["rejected"])
    lines += section("Not taken", bullets(refused))
    lines += section("Note", bullets(document["caveats"]))
    return lines + _basis(document, why) + age_lines(document)


def _data(request: Document) -> str:
    text = f"{request['sequence_length']:,} tokens per example"
    if request["sequence_length_assumed"]:
        text += " (assumed)"
    if request["examples"] is not None:
        text += f", {request['examples']:,} examples x {request['epochs']:g} epochs"
        text += f", about {request['steps']:,} steps"
    if request["tokens"] is not None:
        text += f", {request['tokens']:,} tokens"
    return text


def _overview(bases: list[Document]) -> list[str]:
    rows = [
        [
            base["model"],
            base["method"] or "none fits",
            _memory(base["training"]),
            _rank(base),
            _use(base),
            f"{6 - base['open_items']} of 6",
        ]
        for base in bases
    ]
    return table(rows, ["base", "method", "training", "tuned rank", "in use", "checklist"], whole=[0])


def _memory(training: Document) -> str:
    low, mid, high = (training[key] / GIB for key in ("low_bytes", "total_bytes", "high_bytes"))
    return f"about {mid:.1f} GiB ({low:.0f}-{high:.0f})"


def _rank(base: Document) -> str:
    first = next((row for row in base["ranks"] if row["kind"] == "after"), None)
    return "not measured" if first is None else f"{first['rank']:g} ({first['as_of']})"


def _use(base: Document) -> str:
    use = base["use"]
    return "does not fit" if use is None else f"{use['quant']}, {_speed(use)}"


def _speed(use: Document) -> str:
    speed = use["speed"]
    if not speed or "tokens_per_second" not in speed:
        return "speed unknown"
    rate = speed["tokens_per_second"]
    return f"about {rate['low']:.0f}-{rate['high']:.0f} tok/s"


def _base(base: Document, why: bool) -> list[str]:
    room = base["room"]
    method = base["method"] or "none of full, LoRA and QLoRA"
    lines = section(f"{clean(base['model'])}: {method}", wrapped(_sentence(base["method_why"]), "  ", "  "))
    rows = [
        [
            way["name"] + _how(way),
            f"about {size(way['total_bytes'])}",
            f"{size(way['low_bytes'])} to {size(way['high_bytes'])}",
            way["fits"],
        ]
        for way in base["ways"]
    ]
    head = f"Training memory against {size(room['available_bytes'])} of {clean(room['device'])}"
    lines += section(head, table(rows, ["method", "estimate", "interval", "fits"]))
    lines += section(f"Parts of {base['training']['method']}", _parts(base["training"]))
    lines += section("Logits", _logits(base["logits"]))
    lines += section("Time", wrapped(_time(base), "  ", "  "))
    lines += section("To start with", _hyperparameters(base["hyperparameters"], why))
    lines += section("Saves memory", bullets(base["savings"]))
    lines += section("Checklist", _checklist(base["checklist"]))
    if why:
        lines += section("Formula", wrapped(base["training"]["formula"], "  ", "  "))
        if base["time"]:
            lines += wrapped(base["time"]["formula"], "  ", "  ")
    return lines


def _how(way: Document) -> str:
    found = ["fused loss"] if way["fused_cross_entropy"] else []
    if way["sharding"] != "none":
        found.append(f"ZeRO-3 over {way['gpus']}")
    return f" ({', '.join(found)})" if found else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _parts(training: Document) -> list[str]:
    return table([[name, size(training[key])] for name, key in PARTS if training[key]], right=[1])


def _logits(logits: Document) -> list[str]:
    one = logits["logits_bytes"]
    lines = wrapped(
        f"{logits['formula']} = {one / 1e9:.2f} GB ({size(one)}), twice over {2 * one / 1e9:.2f} GB. "
        "The framework holds "
        f"about {logits['peak_bytes_per_entry']:g} bytes an entry at its peak: "
        f"{size(logits['at_peak_bytes'])}.",
        "  ",
        "  ",
    )
    longest = logits["longest_example"]
    if longest is None:
        return lines
    text = (
        f"Longest example that fits: about {longest['plain_tokens']:,} tokens, with fused cross-entropy "
        "about "
        f"{longest['fused_tokens']:,}"
    )
    if longest["window_tokens"] is not None and longest["fused_tokens"] + 64 > longest["window_tokens"]:
        text += " (its whole window)"
    return lines + wrapped(text + ".", "  ", "  ")


def _time(base: Document) -> str:
    if base["time"] is None:
        return f"Not known: {base['time_unknown']}."
    spent = base["time"]["seconds"]
    return (
        f"About {span_of(spent['mid'])}, between {span_of(spent['low'])} and {span_of(spent['high'])} "
        "(estimate; "
        f"{base['time']['device_tflops']:g} TFLOPS by the data sheet)."
    )


def span_of(seconds: float) -> str:
    """Seconds as seconds, minutes, hours or days."""
    for length, unit in ((86400 * 2, "days"), (5400, "hours"), (90, "minutes")):
        if seconds >= length:
            per = {"days": 86400, "hours": 3600, "minutes": 60}[unit]
            return f"{seconds / per:.1f} {unit}" if seconds / per < 10 else f"{seconds / per:,.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _hyperparameters(rows: list[Document], why: bool) -> list[str]:
    shown = [
        [row["name"], f"{row['value']} - {row['why']}" + (f" ({row['source']})" if why else "")]
        for row in rows
    ]
    return table(shown)


def _checklist(items: list[Document]) -> list[str]:
    return [
        line
        for item in items
        for line in wrapped(
            f"{BOXES[item['status']]} {item['item']} - {item['figure']}", indent="      ", first="  "
        )
    ]


def _tunability(found: Document, why: bool) -> list[str]:
    lines: list[str] = []
    for number, ranking in enumerate(found["tables"]):
        age = "" if number == 0 else "older, " if ranking["as_of"] < found["tables"][0]["as_of"] else ""
        what = "rank after tuning" if ranking["kind"] == "after" else "rank by gain from tuning"
        rows = [
            [
                row["model"],
                "unknown" if row["params_b"] is None else f"{row['params_b']:.2g}B",
                _ranked(row),
                _trains(row["trains_here"]),
            ]
            for row in ranking["rows"]
        ]
        head = f"distil labs, {age}{ranking['as_of']}: {what}"
        lines += section(head, table(rows, ["model", "size", "rank", "trains here"]))
    lines += section("By size", bullets(found["by_size"]))
    lines += section("Where the tables disagree", bullets(found["disagreements"]))
    best = found["best_measured"]
    words = [found["reading"], *([best["text"]] if best else [])]
    return lines + section("Reading them", bullets(words))


def _ranked(row: Document) -> str:
    span = row["interval_95"]
    if span is not None:
        return f"{row['rank']:g} ({span['low']:g} to {span['high']:g})"
    return f"#{row['rank']:g}, untuned #{row['base_rank']:g}" if row["base_rank"] else f"#{row['rank']:g}"


def _trains(fits: Mapping[str, str] | None) -> str:
    """The ways that fit, with `likely` where the interval reaches beyond the memory."""
    if fits is None:
        return "unknown"
    names = {"full": "full", "lora": "LoRA", "qlora": "QLoRA"}
    holds = [
        names[way] + (" likely" if fit == "likely" else "")
        for way, fit in fits.items()
        if fit in ("yes", "likely")
    ]
    return ", ".join(holds) or "no"


def _basis(document: Document, why: bool) -> list[str]:
    if not why:
        return ["", *wrapped("--why shows every base in full, formulas and sources.")]
    cited = bullets(f"{row['text']}: {row['locator']}" for row in document["citations"])
    return section("Guides", cited) + section("Sources", evidence_lines(document["basis"]))


command = request_command(
    Face(
        name="finetune",
        request=FinetuneQuery,
        answer=plan_finetune,
        show=finetune_lines,
        help="Whether to fine-tune, which base, how, and what it takes in memory and time.\n\n"
        "With MODEL the plan is for that base, else for the best bases that train and run on the hardware. "
        "Nothing goes over the network.",
        positional="model",
    )
)
