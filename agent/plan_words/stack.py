"""What `plan stack` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.plan_words.amounts import gib, interval, sentence

Document = Mapping[str, Any]


def _corpus(document: Document) -> str:
    corpus = document["corpus"]
    documents = f"{corpus['documents']:,} documents, " if corpus["documents"] else ""
    return (
        f"{documents}about {corpus['tokens']:,} tokens, cut into {corpus['chunks']:,} chunks of "
        f"{corpus['chunk_tokens']:,} tokens with {corpus['overlap_tokens']} shared"
    )


def index(document: Document) -> list[str]:
    """How large the index is."""
    found = document["index"]
    if found is None:
        return ["How large the index is, is not known: the embedder's dimensions are not."]
    lines = [
        f"**About {gib(found['total_bytes'])}**: {found['vectors']:,} vectors of {found['dimensions']:,} "
        f"dimensions as {found['type']} take {gib(found['vector_bytes'])}, the search graph "
        f"{gib(found['graph_bytes'])}; it lies in {found['place']}.",
        f"The text: {_corpus(document)}; embedder {document['embedder']['model']}.",
    ]
    smaller = [row for row in found["variants"] if row["total_bytes"] < found["total_bytes"]]
    if smaller:
        rows = "; ".join(
            f"{row['type']} with {row['dimensions']:,} dimensions {gib(row['total_bytes'])}"
            for row in smaller[:3]
        )
        lines.append(f"Smaller: {rows}.")
    return [*lines, f"Computed: {found['formula']}."]


def embedding(document: Document) -> list[str]:
    """How long it takes to embed the text."""
    found = document["embedding"]
    name = document["embedder"]["model"]
    if found["seconds"] is None:
        return [f"**How fast {name} embeds here is not known**: {found['basis']}.", _text(document)]
    rate = found["tokens_per_second"]
    return [
        f"**{sentence(interval(found['seconds']))}** That is {found['tokens']:,} tokens (with what chunks "
        f"share) through {name} at about {rate['low']:,.0f} to {rate['high']:,.0f} tokens per second.",
        _text(document),
        f"Computed: {found['basis']}.",
    ]


def _text(document: Document) -> str:
    return f"The text: {_corpus(document)}; on {document['hardware']}."


def reranker(document: Document) -> list[str]:
    """Whether a reranker pays."""
    found, query = document["reranking"], document["query"]
    word = f"Yes, a reranker pays ({found['model']})" if found["pays"] else "No, not here"
    lines = [f"**{word}: {found['why']}.**"]
    if document["reranker"] is not None:
        lines.append(f"It takes {gib(document['reranker']['memory']['total_bytes'])} beside the other parts.")
    first = query["until_first_token_seconds"]
    if first is not None:
        lines.append(f"Until the first token a question takes {interval(first)}, reranking included.")
    prompt = document["prompt"]
    lines.append(
        f"Settings: {found['candidates']} candidates, the best {prompt['kept_chunks']} of "
        f"{prompt['chunk_tokens']:,} tokens go into a prompt of {prompt['prompt_tokens']:,}."
    )
    return [*lines, f"The rule: {found['rule']}."]


def room(document: Document) -> list[str]:
    """Whether all parts fit together."""
    memory = document["memory"]
    fits = {True: "Yes, it fits", False: "No, it does not fit", None: "Whether it fits is not known"}
    lines = [f"**{fits[memory['fits']]}: {document['arrangement']}** on {document['hardware']}."]
    for role in ("generator", "embedder", "reranker"):
        part = document[role]
        if part is not None:
            quant = f" {part['quant']}" if part["quant"] else ""
            lines.append(f"- {role}: {part['model']}{quant}, {gib(part['memory']['total_bytes'])}")
    for row in memory["devices"]:
        lines.append(f"{row['device']}: {gib(row['total_bytes'])} of {gib(row['available_bytes'])}.")
    if document["index"] is not None:
        found = document["index"]
        lines.append(f"The index takes {gib(found['total_bytes'])} in {found['place']}.")
    return lines


SAYERS = {"index": index, "embedding": embedding, "reranker": reranker, "room": room}
