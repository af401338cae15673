"""`plan pretrain` as text: what the tables say, memory, batch, phases, time, scaling laws, commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.plan_pretrain import PretrainQuery, plan_pretraining
from tui.age_text import age_lines
from tui.output import bold, bullets, section, size, table, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command
from tui.sizing_text import TRAINING_ROWS, commands, evidence_lines

Document = Mapping[str, Any]
HELP = """Plan the training of a small GPT from scratch, or of a base adapted to a domain.

Everything is optional; what is missing is assumed and said. The configuration follows from the guide's tables
(GPU memory, use case, dataset, context, priority); memory, batch and time are computed. Nothing goes over the
network.
"""


def _rate(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _hours(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return "unknown"
    return f"about {_span(interval['low'], interval['high'])} (estimate)"


def _span(low: float, high: float) -> str:
    for unit, scale in (("days", 1 / 24), ("hours", 1.0), ("minutes", 60.0)):
        if high * scale >= 2 or unit == "minutes":
            first, last = _short(low * scale), _short(high * scale)
            return f"{first} {unit}" if first == last else f"{first} to {last} {unit}"
    return "unknown"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _tokens(count: float) -> str:
    for word, scale in (("billion", 1e9), ("million", 1e6)):
        if count >= scale:
            return f"{count / scale:.3g} {word}"
    return f"{count:,.0f}"


def pretrain_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan pretrain`."""
    config, decision = document["config"], document["decision"]
    lines = [bold(f"{config['name']} on {clean(document['hardware']['device'])}")]
    lines += wrapped(
        f"{config['params'] / 1e6:,.0f} million parameters: {config['n_layer']} layers, width "
        f"{config['n_embd']}, {config['n_head']} heads, {config['block_size']} tokens, vocabulary "
        f"{config['vocab_size']:,} ({config['file']})",
        "  ",
        "  ",
    )
    lines += ["", *wrapped(decision["why"])]
    lines += section("What the guide's tables say", _tables(decision))
    lines += section("Memory", _memory(document))
    lines += section("Batch and rates", _settings(document))
    lines += section("Phases", _phases(document))
    lines += section("Time", _time(document))
    lines += section("The data", _data(document))
    lines += section("Every configuration on this device", _configurations(document))
    lines += section("Memory by context, same batch", _by_context(document))
    lines += section("Validation run", _validation(document))
    lines += section("To run it", commands(document))
    assumed = [f"{a['slot'].replace('_', ' ')}: {a['value']} ({a['why']})" for a in document["assumptions"]]
    lines += section("Assumed", bullets(assumed))
    lines += section("Note", bullets(document["caveats"]))
    return lines + _sources(document, why) + age_lines(document)


def _tables(decision: Document) -> list[str]:
    rows = []
    for vote in decision["tables"]:
        says = " or ".join(vote["configs"]) if len(vote["configs"]) < 3 else _family(vote["configs"])
        if vote["minimum"] and vote["minimum"] not in vote["configs"]:
            says += f" (at least {vote['minimum']})"
        mark = "yes" if vote["decides"] else ""
        rows.append([vote["title"], vote["asked"] or "not stated", vote["row"] or "-", says or "-", mark])
    return table(rows, ["table", "asked", "row", "says", "decides"])


def _family(configs: list[str]) -> str:
    long = all(name.endswith("_1024") for name in configs)
    return "the 1024-token ones" if long else "the 256-token ones"


def _memory(document: Document) -> list[str]:
    memory = document["memory"]
    rows = [[label, size(memory[key]), ""] for label, key, _ in TRAINING_ROWS if memory.get(key)]
    interval = f"{size(memory['low_bytes'])} to {size(memory['high_bytes'])} (estimate)"
    rows.append(["total", size(memory["total_bytes"]), interval])
    rows.append(["usable", size(memory["available_bytes"]), "fits" if memory["fits"] else "does not fit"])
    rows.append(["guide", size(memory["stated_bytes"]), memory["stated_note"]])
    return table(rows, right=[1])


def _settings(document: Document) -> list[str]:
    batch, settings = document["batch"], document["settings"]
    rows = [
        [
            "batch",
            f"{batch['micro_batch']} at once x {batch['accumulation_steps']} = {batch['effective_batch']} "
            f"sequences (guide: {batch['guide_low']} to {batch['guide_high']}; at most "
            f"{batch['largest_micro_batch']} fit at once)",
        ],
        ["tokens an iteration", f"{batch['tokens_per_iteration']:,}"],
        ["dropout", f"{settings['dropout']:g}"],
        ["warmup", f"{settings['warmup_iters']:,} iterations"],
    ]
    for rate in document["learning_rates"]:
        span = (
            _rate(rate["low"])
            if rate["low"] == rate["high"]
            else f"{_rate(rate['low'])} to {_rate(rate['high'])}"
        )
        note = f": {_rate(rate['chosen'])} here" if rate["chosen"] is not None else ""
        reason = f" ({rate['why']})" if rate["why"] else ""
        rows.append([rate["name"], f"{span}{note}{reason}"])
    return table(rows)


def _phases(document: Document) -> list[str]:
    rows = []
    for at, phase in enumerate(document["phases"], 1):
        name = {"scratch": "from scratch", "domain": "domain adaptation"}[phase["phase"]]
        passes = "unknown" if phase["epochs"] is None else f"{phase['epochs']:.3g}"
        rows.append(
            [
                f"{at} {name}",
                f"{phase['iterations']:,}",
                _tokens(phase["tokens_seen"]),
                passes,
                _rate(phase["learning_rate"]),
                f"{phase['warmup_iterations']:,}",
            ]
        )
    lines = table(rows, ["phase", "iterations", "tokens seen", "passes", "rate", "warmup"], right=range(1, 6))
    domain = document["domain_data"]
    return lines + (bullets([f"Domain data: {domain['verdict']}."]) if domain else [])


def _time(document: Document) -> list[str]:
    time = document["time"]
    both = ", both phases" if len(document["phases"]) > 1 else ""
    rows = [["computed", _hours(time["computed_hours"]) + both]]
    if time["stated_hours_low"] is not None:
        stated = _span(time["stated_hours_low"], time["stated_hours_high"])
        phase = ", phase 1" if len(document["phases"]) > 1 else ""
        rows.append(["guide, scaled", f"{stated}{phase}"])
    return table(rows) + bullets([f"{time['stated_basis']}."])


def _data(document: Document) -> list[str]:
    data, scaling = document["dataset"], document["scaling"]
    if scaling is None:
        return []
    needed = f"{_tokens(scaling['needed_tokens'])} tokens, {scaling['needed_bytes'] / 1e9:.3g} GB of text"
    rows = [["wanted at 20 tokens a parameter", f"about {needed}"]]
    if data is not None:
        rows.insert(0, ["stated", f"{data['said']}: about {_tokens(data['tokens'])} tokens"])
        rows.append(["one pass supports", f"about {_tokens(scaling['optimal_params'])} parameters"])
        rows.append(["four passes support", f"about {_tokens(scaling['repeated_params'])} parameters"])
        rows.append(["smaller alternative", scaling["smaller_words"]])
    return table(rows)


def _configurations(document: Document) -> list[str]:
    rows = [
        [
            row["config"],
            f"{row['params'] / 1e6:,.0f}M",
            "yes" if row["fits"] else "no",
            f"{row['micro_batch']} x {row['accumulation_steps']}" if row["fits"] else "-",
            size(row["total_bytes"]) if row["fits"] else "-",
            _span(row["hours"]["low"], row["hours"]["high"]) if row["fits"] and row["hours"] else "-",
        ]
        for row in document["configurations"]
    ]
    count = f"{document['phases'][0]['iterations']:,}"
    return table(rows, ["name", "size", "fits", "batch", "memory", f"{count} iterations"], right=[1, 4])


def _by_context(document: Document) -> list[str]:
    rows = [
        [
            str(row["block_size"]),
            size(row["total_bytes"]),
            f"{row['factor']:.2f}x",
            f"{row['activation_factor']:.2f}x",
            f"{row['without_flash_factor']:.2f}x",
            f"{row['stated_factor']}x",
        ]
        for row in document["memory_by_context"]
    ]
    head = ["context", "memory", "all", "activations", "no flash", "guide"]
    return table(rows, head, right=range(6))


def _validation(document: Document) -> list[str]:
    check = document["validation"]
    first = (
        f"{check['iterations']} iterations; the loss begins near {check['initial_loss']:.2f}, "
        f"ln({document['config']['vocab_size']:,})"
    )
    return bullets([first, *check["look_at"]])


def _sources(document: Document, why: bool) -> list[str]:
    if not why:
        return ["", *wrapped("Memory and time are estimates. --why shows formulas and sources.")]
    return (
        section("Formula", wrapped(document["memory"]["formula"], indent="  ", first="  "))
        + section("Time", wrapped(document["time"]["computed_basis"], indent="  ", first="  "))
        + section("Sources", evidence_lines([*document["basis"], *document["citations"]]))
    )


command = request_command(
    Face(name="pretrain", request=PretrainQuery, answer=plan_pretraining, show=pretrain_lines, help=HELP)
)
