"""`guides index` as text: the scores of two embedders side by side."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from knowledge.errors import NoAnswerError
from tools.guides.indexing import IndexQuery, index_guides, sending
from tui.invocation import invocation
from tui.output import bold, table, wrapped, write_note
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Build the guide index, also with another embedder, and compare.

Prints the scores of the labeled queries (they ship with the advisor) for the embedder before and the new one.
Every embedder keeps an index of its own, so that going back builds nothing.

MODEL is a sentence-transformers model that is on this machine, by its hub id or its folder, or
litellm:PROVIDER/MODEL, such as litellm:ollama/nomic-embed-text or litellm:openai/text-embedding-3-small.

NETWORK: only litellm: uses it. It sends the text of all guides, your own included, to the provider of MODEL;
you are asked first where there are guides of your own. Once such a model is set, every query is sent as well.
The key is read from the provider's environment variable. --offline refuses it.
"""
MEASURES = (
    ("recall@1", "recall_at_1"),
    ("recall@5", "recall_at_5"),
    ("MRR", "mrr"),
    ("nDCG@10", "ndcg_at_10"),
)
WAYS = {
    "hybrid": "words and meaning together",
    "reranked": "the same, read again by the reranker",
    "words only": "words only",
    "vectors only": "meaning only",
}


def _index(query: IndexQuery) -> dict[str, Any]:
    asked = invocation(click.get_current_context())
    going = None if asked.offline else sending(query)
    if going is not None:
        text = f"This sends the text of {going['guides']} guides to {clean(going['provider'], one_line=True)}"
        own = going["own_guides"]
        write_note(f"{text}, {own} of them your own." if own else f"{text}; none is your own.")
        if own and not query.yes and not asked.as_json and sys.stdin.isatty():
            if not click.confirm("Send them?", err=True):
                raise NoAnswerError("Nothing was sent, and the index is as it was.")
            query = query.model_copy(update={"yes": True})
    return index_guides(query, offline=asked.offline)


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    columns = document["embedders"]
    head = ["", *(clean(column["embedder"], one_line=True) for column in columns)]
    lines = wrapped(
        f"{document['queries']} labeled queries; the guides answer {document['answerable']} of them."
    )
    lines += ["", *table(_rows(columns), head, right=range(1, len(head)))]
    if any(not column["meaning_in_coverage"] for column in columns):
        lines += [
            "",
            *wrapped(
                "An embedder that does not tell queries with an answer from those without has no say in "
                "whether the guides cover a query: the words decide."
            ),
        ]
    if document["setting"] is not None:
        setting = document["setting"]
        lines += ["", *wrapped(f"To keep it, write this line into {clean(setting['file'], one_line=True)}:")]
        lines += ["  " + bold(clean(setting["line"], one_line=True))]
    return lines


def _rows(columns: list[dict[str, Any]]) -> list[list[str]]:
    by_way = [{row["way"]: row for row in column["scores"]} for column in columns]
    rows: list[list[str]] = []
    for way, title in WAYS.items():
        if any(way in scores for scores in by_way):
            rows.append([title, *("" for _ in columns)])
            for name, key in MEASURES:
                found = [f"{scores[way][key]:.3f}" if way in scores else "-" for scores in by_way]
                rows.append([f"  {name}", *found])
    rows.append(["false answers", *(f"{column['false_answers']:.1%}" for column in columns)])
    rows.append(["missed answers", *(f"{column['missed_answers']:.1%}" for column in columns)])
    rows.append(["a query takes", *(f"{column['query_ms']:.0f} ms" for column in columns)])
    rows.append(["dimensions", *(str(column["dimensions"]) for column in columns)])
    rows.append(["passages", *(f"{column['passages']:,}" for column in columns)])
    rows.append(["loaded in", *(f"{column['load_seconds']:.1f} s" for column in columns)])
    rows.append(["index built in", *(_built(column["build_seconds"]) for column in columns)])
    return rows


def _built(seconds: float | None) -> str:
    return "was there" if seconds is None else f"{seconds:.1f} s"


command = request_command(
    Face(name="index", request=IndexQuery, answer=_index, show=_lines, help=HELP, why=False, stdin=False)
)
