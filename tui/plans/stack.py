"""`plan stack` as text: the parts, memory by place, index, embedding, a question's way, commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.plan_stack import StackQuery, plan_stack
from tui.age_text import age_lines
from tui.output import bold, bullets, known, section, size, table, wrapped
from tui.plaintext import clean, tokens
from tui.request_command import Face, request_command
from tui.sizing_text import commands, evidence_lines

Document = Mapping[str, Any]
HELP = """Plan a retrieval stack: generator, embedder and, where it pays, a reranker in one memory budget.

Everything is optional; what is missing is assumed and said. The generator is chosen with the memory that is
left beside the other parts; index size, embedding time and a question's way are computed. Nothing goes over
the network.
"""


def amount(count: float | None) -> str:
    """Bytes as MB below a tenth of a GiB, where GiB would round away; else as GiB."""
    if count is not None and 0 < count < (1 << 30) / 10:
        return f"{count / 1e6:,.1f} MB"
    return size(count)


def span(interval: Mapping[str, float] | None) -> str:
    """Seconds as an interval in the unit that suits; `unknown` for None."""
    if interval is None:
        return "unknown"
    for unit, scale in (("days", 86_400.0), ("hours", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if interval["high"] >= 2 * scale or unit == "ms":
            if unit == "ms" and interval["high"] < 1e-4:
                return "under 0.1 ms"
            low, high = _short(interval["low"] / scale), _short(interval["high"] / scale)
            return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
    return "unknown"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def stack_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan stack`."""
    lines = [bold(f"A retrieval stack on {clean(document['hardware'])}"), ""]
    lines += table(_parts(document), ["part", "model", "as", "place", "memory"], right=[4])
    if document["does_not_fit"]:
        lines += ["", *wrapped(f"Does not fit: {'; '.join(document['does_not_fit'])}.")]
    lines += section("Why", bullets(_reasons(document)))
    lines += section("Memory by place", _memory(document["memory"]))
    lines += section("The corpus", _corpus(document))
    lines += section("The index", _index(document["index"]))
    lines += section("A question", _question(document))
    lines += section("Alternative", bullets(_alternative(document["alternative"])))
    lines += section("To run it", commands(document))
    assumed = [f"{a['slot'].replace('_', ' ')}: {a['value']} ({a['why']})" for a in document["assumptions"]]
    lines += section("Assumed", bullets(assumed))
    lines += section("Note", bullets(document["caveats"]))
    return lines + _sources(document, why) + age_lines(document)


def _parts(document: Document) -> list[list[str]]:
    away = document["memory"]["host"] is not None and document["memory"]["host"]["encoder_bytes"] > 0
    rows = []
    for role in ("generator", "embedder", "reranker"):
        part = document[role]
        if part is None:
            rows.append([role, "none", "-", "-", "-"])
            continue
        place = "system memory" if away and role != "generator" else _place(document["memory"], role)
        rows.append([role, part["model"], known(part["quant"]), place, size(part["memory"]["total_bytes"])])
    return rows


def _place(memory: Document, role: str) -> str:
    """The devices that hold a part: `2 x RTX 3090`."""
    names = [row["device"] for row in memory["devices"] if row[f"{role}_bytes"]]
    counts = {name: names.count(name) for name in names}
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counts.items())


def _reasons(document: Document) -> list[str]:
    reranking = document["reranking"]
    word = "A reranker pays" if reranking["pays"] else "No reranker"
    found = [
        f"{word}: {reranking['why']} (estimate)." if reranking["seconds"] else f"{word}: {reranking['why']}."
    ]
    for role in ("generator", "embedder"):
        quality = [r["text"] for r in document[role]["why"] if r["text"].startswith(("Quality", "License"))]
        found += [f"{document[role]['model']}: {text}" for text in quality]
    return found


def _memory(memory: Document) -> list[str]:
    rows = [
        [
            row["device"],
            size(row["generator_bytes"]),
            *(
                amount(row[key]) if row[key] else "-"
                for key in ("embedder_bytes", "reranker_bytes", "index_bytes")
            ),
            f"{size(row['total_bytes'])} of {size(row['available_bytes'])}",
        ]
        for row in memory["devices"]
    ]
    host = memory["host"]
    if host is not None:
        encoders = size(host["encoder_bytes"]) if host["encoder_bytes"] else "-"
        there = size(host["available_bytes"])
        row = ["system memory", amount(host["generator_bytes"]), encoders, "-", amount(host["index_bytes"])]
        rows.append([*row, f"{amount(host['total_bytes'])} of {there}"])
    head = ["place", "generator", "embedder", "reranker", "index", "total"]
    verdict = {True: "It fits.", False: "It does not fit.", None: "Whether it fits is not known."}
    return [*table(rows, head), *wrapped(verdict[memory["fits"]], "  ", "  ")]


def _corpus(document: Document) -> list[str]:
    corpus, embedding = document["corpus"], document["embedding"]
    speed = embedding["tokens_per_second"]
    rate = (
        "unknown"
        if speed is None
        else f"about {speed['low']:,.0f} to {speed['high']:,.0f} tokens/s (estimate)"
    )
    rows = [
        ["text", f"about {corpus['tokens']:,} tokens, {amount(corpus['text_bytes'])}"],
        [
            "chunks",
            f"{corpus['chunks']:,} of {corpus['chunk_tokens']:,} tokens, {corpus['overlap_tokens']} shared",
        ],
        ["embedding", rate],
        ["embedding it all", f"about {span(embedding['seconds'])} (estimate)" if speed else "unknown"],
    ]
    return table(rows)


def _index(index: Document | None) -> list[str]:
    if index is None:
        return []
    planned = (index["type"], index["dimensions"])
    rows = [
        [
            each["type"],
            f"{each['dimensions']:,}",
            amount(each["vector_bytes"]),
            amount(each["graph_bytes"]),
            amount(each["total_bytes"]),
            each["note"] + (f" (planned, {index['place']})" if _is(each, planned) else ""),
        ]
        for each in index["variants"]
    ]
    return table(rows, ["type", "dimensions", "vectors", "graph", "total", ""], right=range(1, 5))


def _is(index: Document, planned: tuple[str, int]) -> bool:
    return (index["type"], index["dimensions"]) == planned


def _question(document: Document) -> list[str]:
    query, prompt = document["query"], document["prompt"]
    rows = [
        ["embed the question", span(query["embed_question_seconds"])],
        ["exact search", f"{span(query['exact_search_seconds'])} ({query['search_basis']})"],
        [
            "rerank",
            f"{span(query['rerank_seconds'])} for {document['reranking']['candidates']} chunks, "
            f"{document['reranking']['flops_per_question'] / 1e12:.3g} x 10^12 operations"
            if query["rerank_seconds"]
            else "none",
        ],
        ["read the prompt", span(query["first_token_seconds"])],
        ["first token after", f"about {span(query['until_first_token_seconds'])} (estimate)"],
        [
            "prompt",
            f"{prompt['kept_chunks']} x {prompt['chunk_tokens']:,} + {prompt['question_tokens']} question + "
            f"{prompt['instruction_tokens']} instructions = {prompt['prompt_tokens']:,} tokens",
        ],
        [
            "context",
            f"{prompt['needed_tokens']:,} of {tokens(prompt['context'])} tokens with the answer"
            + ("" if prompt["fits"] else ": does not fit"),
        ],
    ]
    return table(rows)


def _alternative(other: Document | None) -> list[str]:
    if other is None:
        return []
    freed = other["freed_bytes"]
    where = "on the accelerator" if other["accelerator_bytes"] else "in memory"
    what = f"{size(abs(freed))} {'less' if freed >= 0 else 'more'} {where}"
    parts = " and ".join(name for name in (other["embedder"], other["reranker"]) if name)
    lost = other["instead_of_reranker"] if other["reranker"] is None else None
    reranking = f", without a reranker ({other['reranking_why']})" if lost else ""
    generator = "the same generator" if other["same_generator"] else f"{other['generator']} as generator"
    quant = f"as {other['quant']}"
    if other["quant"] != other["instead_of_quant"]:
        quant += f" instead of {other['instead_of_quant']}"
    return [f"{other['arrangement']}: {parts}{reranking}, {generator} {quant}, {what}."]


def _sources(document: Document, why: bool) -> list[str]:
    if not why:
        return ["", *wrapped("Times are estimates. --why shows formulas and sources.")]
    formula = document["index"]["formula"] if document["index"] else "unknown"
    return (
        section("Index", wrapped(formula, indent="  ", first="  "))
        + section("Embedding", wrapped(document["embedding"]["basis"], indent="  ", first="  "))
        + section("Reranking", wrapped(document["reranking"]["rule"], indent="  ", first="  "))
        + section("Sources", evidence_lines([*document["basis"], *document["citations"]]))
    )


command = request_command(
    Face(name="stack", request=StackQuery, answer=plan_stack, show=stack_lines, help=HELP)
)
