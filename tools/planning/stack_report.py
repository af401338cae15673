"""The document of a retrieval stack: memory by place, index, times, prompt, commands, caveats."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tools.brief import Assumption, Brief, defaults
from tools.budget import room_of
from tools.candidates import evidence_json
from tools.memory.types import Evidence
from tools.planning.amounts import text_units
from tools.planning.retrieval import (
    Corpus,
    Index,
    cited,
    encode_seconds,
    indexes_of,
    retrieval_table,
    work_of,
)
from tools.planning.stack import Found, Stack
from tools.roles.companions import Retrieval, model_of
from tools.roles.encoders import memory_of
from tools.speed_constants import load_constants
from tools.speed_types import Interval

Document = dict[str, Any]
GIB = 1 << 30
CITED = ("settings", "index", "reranker", "stack", "embedder", "again", "table")


def rounded(interval: Interval | None) -> dict[str, float] | None:
    """Three digits of each end; None stays unknown."""
    if interval is None:
        return None
    return {key: float(f"{getattr(interval, key):.3g}") for key in ("low", "mid", "high")}


def _index_json(index: Index) -> Document:
    return {**asdict(index), "total_bytes": index.total_bytes}


def index_document(stack: Stack, corpus: Corpus) -> Document | None:
    """The planned index, and what each type and shorter vector would take."""
    if stack.index is None:
        return None
    variants = indexes_of(model_of(stack.embedder), corpus.chunks, corpus.chunk_tokens)
    hnsw = retrieval_table()["hnsw"]
    return {
        **_index_json(stack.index),
        "text_bytes": corpus.text_bytes,
        "place": "disk" if stack.index_on_disk else "system memory",
        "formula": f"vectors x dimensions x bytes; {hnsw['source']}",
        "variants": [_index_json(each) for each in variants],
    }


def embedding_document(stack: Stack, corpus: Corpus) -> Document:
    """Time to embed the corpus once, and tokens a second."""
    model, each = model_of(stack.embedder), corpus.chunk_tokens
    seconds = encode_seconds(model, stack.compute, corpus.embedded_tokens, each)
    work = work_of(model, each)
    return {
        "tokens": corpus.embedded_tokens,
        "flops_per_token": None if work is None else int(work.flops),
        "seconds": rounded(seconds),
        "hours": rounded(seconds.times(1 / 3600)) if seconds else None,
        "tokens_per_second": rounded(seconds.inverse(corpus.embedded_tokens)) if seconds else None,
        "basis": f"{work.note if work else 'unknown size'}; {stack.compute.basis}",
    }


def _search_seconds(stack: Stack, brief: Brief) -> tuple[Interval | None, str]:
    """Exact search reads every vector once at the speed of system memory."""
    if stack.index is None or brief.machine is None:
        return None, "unknown dimensions"
    if stack.index_on_disk:
        return None, "the index is on disk"
    stated = brief.machine.ram_bandwidth_gbs
    rate = stated or float(defaults()["generic_bandwidth_gbs"])
    host = next(c for c in load_constants().classes if "cpu" in c.kinds)
    mid = stack.index.vector_bytes / (rate * 1e9 * host.efficiency)
    note = f"all vectors read once at {rate:g} GB/s{'' if stated else ' (assumed)'}"
    return Interval.around(mid, host.spread), note


def query_document(stack: Stack, corpus: Corpus, asked: Retrieval, brief: Brief) -> Document:
    """The parts of a question's way to the first token of its answer, in seconds."""
    call = retrieval_table()["call_ms"]
    start = Interval(call["low"], call["mid"], call["high"]).times(1e-3)
    question = encode_seconds(
        model_of(stack.embedder), stack.compute, asked.question_tokens, asked.question_tokens
    )
    search, note = _search_seconds(stack, brief)
    rerank = stack.reranking.seconds.plus(start) if stack.reranker and stack.reranking.seconds else None
    c = stack.generator.configuration
    times = c.speed.timings if c is not None and c.speed is not None else None
    first = times.first_token if times is not None else None
    parts = {
        "embed_question": question.plus(start) if question else None,
        "exact_search": search,
        "rerank": rerank,
        "first_token": first,
    }
    wanted = [value for key, value in parts.items() if key != "rerank" or stack.reranker is not None]
    total = None
    if all(value is not None for value in wanted):
        total = Interval(0.0, 0.0, 0.0)
        for value in wanted:
            total = total.plus(value) if value is not None else total
    limit = float(retrieval_table()["exact_search_ms"])
    return {
        **{f"{key}_seconds": rounded(value) for key, value in parts.items()},
        "until_first_token_seconds": rounded(total),
        "search_basis": note,
        "exact_search_enough": None if search is None else search.mid * 1e3 <= limit,
        "call_basis": call["source"],
    }


def memory_document(stack: Stack, brief: Brief) -> Document:
    """What each device and the system memory hold, against what is usable."""
    machine = brief.machine
    assert machine is not None
    room = room_of(machine, server=brief.server)
    c = stack.generator.configuration
    assert c is not None
    assert c.memory is not None
    beside = {item.role: memory_of(item) for item in stack.companions}
    away, index = stack.strategy.on_processor, stack.index_bytes
    rows: list[Document] = []
    for at, device in enumerate(c.memory.per_device):
        here = bool(room.device_bytes) and at == room.widest and not away
        held = {role: size if here or not room.device_bytes else 0 for role, size in beside.items()}
        own_index = 0 if room.device_bytes else index
        rows.append(
            {
                "device": device.device,
                "generator_bytes": device.total_bytes,
                "embedder_bytes": held["embedder"],
                "reranker_bytes": held.get("reranker", 0),
                "index_bytes": own_index,
                "total_bytes": device.total_bytes + sum(held.values()) + own_index,
                "available_bytes": room.device_bytes[at] if room.device_bytes else room.total_bytes,
            }
        )
    held_all = sum(row["total_bytes"] for row in rows)
    host = _host(stack, brief, c.memory.host_bytes, index, held_all) if room.device_bytes else None
    fits = all(row["total_bytes"] <= row["available_bytes"] for row in rows)
    return {
        "devices": rows,
        "host": host,
        "total_bytes": sum(row["total_bytes"] for row in rows) + (host["total_bytes"] if host else 0),
        "accelerator_bytes": sum(row["total_bytes"] for row in rows) if room.device_bytes else 0,
        "fits": fits if host is None or host["fits"] is not False else False,
    }


def _host(stack: Stack, brief: Brief, spilled: int, index: int, held: int) -> Document:
    """System memory beside accelerators; `fits` is None where its size is unknown."""
    assert brief.machine is not None
    there = room_of(brief.machine, server=brief.server).host_bytes
    encoders = stack.companion_bytes if stack.strategy.on_processor else 0
    total = spilled + index + encoders
    # Shared memory: what the accelerator holds is taken from the same RAM.
    shared = any(device.unified for device in brief.machine.devices)
    return {
        "generator_bytes": spilled,
        "encoder_bytes": encoders,
        "index_bytes": index,
        "total_bytes": total,
        "available_bytes": there,
        "fits": None if there is None else total + (held if shared else 0) <= there,
    }


def prompt_document(stack: Stack, corpus: Corpus, asked: Retrieval) -> Document:
    """What the generator reads for one question, against its context."""
    c = stack.generator.configuration
    assert c is not None
    whole = corpus.tokens + asked.question_tokens + asked.instruction_tokens + asked.answer_tokens
    return {
        "kept_chunks": asked.kept,
        "chunk_tokens": corpus.chunk_tokens,
        "question_tokens": asked.question_tokens,
        "instruction_tokens": asked.instruction_tokens,
        "answer_tokens": asked.answer_tokens,
        "prompt_tokens": asked.prompt_tokens(corpus.chunk_tokens),
        "needed_tokens": asked.window(corpus.chunk_tokens),
        "context": c.context,
        "fits": asked.window(corpus.chunk_tokens) <= c.context,
        "whole_corpus_tokens": whole,
        "whole_corpus_fits": whole <= c.context,
    }


def commands_document(stack: Stack) -> list[dict[str, str]]:
    """Commands that start each part; lines that several parts share come once."""
    found: dict[str, str] = {}
    for item in (stack.generator, *stack.companions):
        for command in item.commands:
            named = "" if item.role in command.label else f" ({item.role})"
            found.setdefault(command.shell, command.label + named)
    for line in retrieval_table()["commands"]:
        found.setdefault(line["shell"], line["label"])
    return [{"label": label, "shell": shell} for shell, label in found.items()]


def alternative_document(stack: Stack, other: Stack | None, brief: Brief) -> Document | None:
    """The next arrangement, and what it changes."""
    if other is None:
        return None
    memory, own = memory_document(other, brief), memory_document(stack, brief)
    taken = [sum(row["total_bytes"] for row in each["devices"]) for each in (own, memory)]
    return {
        "arrangement": other.strategy.name,
        "generator": other.generator.model,
        "quant": other.generator.configuration.quant if other.generator.configuration else None,
        "embedder": other.embedder.model,
        "reranker": other.reranker.model if other.reranker else None,
        "accelerator_bytes": memory["accelerator_bytes"],
        "host_bytes": memory["host"]["total_bytes"] if memory["host"] else 0,
        "freed_bytes": taken[0] - taken[1],
        "same_generator": other.generator.model_id == stack.generator.model_id,
        "instead_of_quant": stack.generator.configuration.quant if stack.generator.configuration else None,
        "instead_of_reranker": stack.reranker.model if stack.reranker else None,
        "reranking_why": other.reranking.why,
    }


def caveats_of(document: Document, stack: Stack, corpus: Corpus) -> list[str]:
    """What the stack's figures do not promise, the weightiest first."""
    prompt, index, query = document["prompt"], document["index"], document["query"]
    found = []
    if prompt["whole_corpus_fits"]:
        found.append(
            f"No retrieval is needed: the whole corpus ({corpus.tokens:,} tokens) fits the context of "
            f"{prompt['context']:,} tokens beside question and answer. Put it into the prompt and let the "
            "engine keep the prefix in its cache."
        )
    elif corpus.tokens <= (stack.generator.context_length or 0) // 2:
        found.append(
            f"{stack.generator.model} reads up to {stack.generator.context_length:,} tokens: the whole "
            "corpus could go into a longer context, at the price of its cache and of reading it."
        )
    if not prompt["fits"]:
        found.append(
            f"The prompt and the answer take {prompt['needed_tokens']:,} tokens, more than the context of "
            f"{prompt['context']:,}: keep fewer chunks."
        )
    if index is None:
        found.append("The embedder's dimensions are not known, so the size of the index is not either.")
    elif stack.index_on_disk:
        found.append("No type of index fits the memory: keep it on disk, where a search takes longer.")
    elif index["type"] != index["variants"][0]["type"]:
        whole = index["variants"][0]["total_bytes"] / GIB
        found.append(
            f"In float32 the index would take {whole:.1f} GiB, more than its place in the memory; it is "
            f"planned as {index['type']} ({index['note']})."
        )
    elif query["exact_search_enough"]:
        found.append(
            f"Exact search is fast enough here, so the graph ({index['graph_bytes'] / 1e6:,.1f} MB) can be "
            "left out."
        )
    if stack.index_shares_memory:
        found.append(
            f"The index takes {stack.index_bytes / 1e6:,.1f} MB of the memory that the models share. "
            "`recommend` does not count it, so that its generator may come in a larger quantization."
        )
    host = document["memory"]["host"]
    if host is not None and host["fits"] is None:
        found.append("System memory was not stated, so whether the index fits there is not known.")
    if host is not None and host["fits"] is False:
        found.append("What is kept in system memory does not fit it.")
    found.append("Another embedder, dimension or prefix means that everything is embedded again.")
    return found


def stack_document(
    found: Found,
    corpus: Corpus,
    asked: Retrieval,
    brief: Brief,
    assumed: list[Assumption],
) -> Document:
    """The whole plan; bytes are integers, times are seconds or hours as the name says."""
    stack = found.stack
    assert stack is not None
    document: Document = {
        "arrangement": stack.strategy.name,
        "does_not_fit": list(found.failed),
        "hardware": stack.generator.hardware,
        "generator": stack.generator.as_json(),
        "embedder": stack.embedder.as_json(),
        "reranker": stack.reranker.as_json() if stack.reranker else None,
        "reranking": {
            "pays": stack.reranking.pays,
            "why": stack.reranking.why,
            "model": stack.reranking.model,
            "candidates": min(asked.candidates, corpus.chunks),
            "seconds": rounded(stack.reranking.seconds),
            "flops_per_question": None if stack.reranking.flops is None else int(stack.reranking.flops),
            "rule": retrieval_table()["rerank_source"],
        },
        "corpus": asdict(corpus),
        "index": index_document(stack, corpus),
        "embedding": embedding_document(stack, corpus),
        "prompt": prompt_document(stack, corpus, asked),
        "query": query_document(stack, corpus, asked, brief),
        "memory": memory_document(stack, brief),
        "alternative": alternative_document(stack, found.alternative, brief),
        "commands": commands_document(stack),
        "assumptions": [each.as_json() for each in assumed],
    }
    document["retrieval_needed"] = not document["prompt"]["whole_corpus_fits"]
    document["caveats"] = caveats_of(document, stack, corpus)
    document["basis"] = [evidence_json(evidence) for evidence in _basis(stack)]
    document["citations"] = [cited(key) for key in CITED]
    return document


def _basis(stack: Stack) -> tuple[Evidence, ...]:
    table = retrieval_table()
    return (
        stack.compute.evidence,
        Evidence("tool", "operations of an encoder: Kaplan et al. 2020, arXiv 2001.08361, table 1"),
        Evidence("tool", table["hnsw"]["source"]),
        Evidence("tool", table["settings_source"]),
        Evidence("tool", text_units()["source"]),
    )
