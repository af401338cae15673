"""The validation report of the catalog, `docs/catalog.md`: what it holds, lacks, contradicts and changed."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from knowledge.catalog.dates import newest_name, shipped_dates
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import Catalog
from knowledge.catalog.validate import check_catalog

SHOWN = 30
CHANGES = "## Changes"
UNKNOWN = (
    "params_total",
    "context_length",
    "license",
    "architecture",
    "release_date",
    "tool_calling",
    "thinking",
    "vision",
    "multilingual",
    "ollama_tag",
    "gguf_available",
)
_DATED = re.compile(r"@[0-9a-f]{7,40}|==\d|20\d\d|\bv\d")
"""A commit, a version or a year."""
_RULE = re.compile(r"derived|follows from|equal to|text-only|class of|model name|multimodal|published")
"""Beginnings of texts that are no source but a rule, applied to what has one."""


def dates_of(catalog: Catalog, price_keys: Iterable[str], litellm: str) -> dict[str, str]:
    """The days of `dates.json`: the newest row of each kind.

    Args:
        catalog: the catalog that was built.
        price_keys: names in the price map of the installed LiteLLM package.
        litellm: the version of that package.
    """
    results = (r for name in catalog.benchmarks.names for r in catalog.benchmarks.for_name(name))
    return {
        "catalog": max(model.as_of for model in catalog.models),
        "scores": max(result.as_of for result in results),
        "litellm": litellm,
        "prices": newest_name(price_keys) or shipped_dates().prices,
    }


def report(catalog: Catalog, sources: Mapping[str, Any], day: date, changes: Sequence[str]) -> str:
    """The report as Markdown.

    Args:
        catalog: the catalog that was built.
        sources: the packed table of its sources.
        day: against which dates are held.
        changes: lines on what differs from the committed rows.
    """
    models = catalog.models
    lines = [
        "# The catalog and what is wrong with it",
        "",
        "`make catalog` writes this page from the data files; see CONTRIBUTING.md.",
        "",
        *_table("Rows", ("kind", "rows", "newest"), _counts(catalog)),
        *_table("Unknown fields of models", ("field", "unknown", "share"), _unknown(models)),
    ]
    findings = check_catalog(catalog, day)
    twice = [finding for finding in findings if finding.rule == "duplicate"]
    others = [finding for finding in findings if finding.rule != "duplicate"]
    lines += _listed("Duplicates", [f"{one.record}: {one.message}" for one in twice])
    lines += _listed("Implausible values", [f"{one.record} ({one.rule}): {one.message}" for one in others])
    lines += _listed("Sources without a date, a version or a commit", _undated(catalog, sources))
    return "\n".join([*lines, CHANGES, "", *(changes or ["None."])]) + "\n"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    body = [f"| {' | '.join(map(str, row))} |" for row in rows]
    line = "| --- " + "| ---: " * (len(head) - 1) + "|"
    return [f"## {title}", "", f"| {' | '.join(head)} |", line, *body, ""]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    more = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"## {title}: {len(lines)}", "", *(f"- {line}" for line in lines[:SHOWN]), *more, ""]


def _counts(catalog: Catalog) -> Iterable[tuple[str, str, str]]:
    boards = dict.fromkeys(
        name.lower() for name in catalog.benchmarks.names
    )  # a name in two spellings is one
    results = [r for name in boards for r in catalog.benchmarks.for_name(name)]
    kinds: tuple[tuple[str, Sequence[Any]], ...] = (
        ("models", catalog.models),
        ("accelerators", catalog.accelerators),
        ("memory classes", catalog.system_memory),
        ("licenses", list(catalog.licenses.values())),
        ("scores", results),
    )
    for name, rows in kinds:
        yield name, f"{len(rows):,}", max((row.as_of for row in rows), default="")


def _unknown(models: Sequence[ModelRecord]) -> Iterable[tuple[str, str, str]]:
    for field in UNKNOWN:
        count = sum(getattr(model, field) is None for model in models)
        yield field.replace("_", " "), f"{count:,}", f"{count / max(1, len(models)):.0%}"


def _undated(catalog: Catalog, sources: Mapping[str, Any]) -> list[str]:
    """Source texts that name no state of what they quote, with how many rows rest on them."""
    counts: Counter[str] = Counter()
    for fields in sources["models"].values():
        for number in fields:
            counts[sources["texts"][int(number)]] += 1
    counts.update(card.source for card in catalog.accelerators)
    kept = [text for text, _ in counts.most_common() if not _DATED.search(text) and not _RULE.match(text)]
    return [f"{text} ({counts[text]:,})" for text in kept]


def committed(path: Path, root: Path) -> str | None:
    """A file as the last commit has it; None where there is no such commit."""
    try:
        done = subprocess.run(
            ["git", "show", f"HEAD:{path.relative_to(root).as_posix()}"],
            cwd=root,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode() if done.returncode == 0 else None


def changes_of(before: Mapping[str, str | None], after: Mapping[str, str]) -> list[str]:
    """What differs, by file: rows that are new, gone or changed, the changed ones with their fields.

    Args:
        before: contents by file name; None where there was none.
        after: the same, as built.
    """
    lines: list[str] = []
    for name, text in after.items():
        old, new = _rows(before.get(name) or "[]"), _rows(text)
        gone, added = sorted(set(old) - set(new)), sorted(set(new) - set(old))
        changed = {key: _fields(old[key], new[key]) for key in new if key in old and old[key] != new[key]}
        if gone or added or changed:
            lines.append(f"- {name}: {len(added)} new, {len(gone)} gone, {len(changed)} changed")
            lines += [f"  - new: {key}" for key in added[:SHOWN]]
            lines += [f"  - gone: {key}" for key in gone[:SHOWN]]
            lines += [f"  - {key}: {', '.join(fields)}" for key, fields in list(changed.items())[:SHOWN]]
    return lines


def _rows(text: str) -> dict[str, Any]:
    """Rows by id or name; of packed scores by model, board and setting."""
    data = json.loads(text)
    if isinstance(data, dict) and "rows" in data:
        at, words = {column: place for place, column in enumerate(data["columns"])}, data["words"]
        told = ("model", "benchmark", "setting", "source")
        return {
            " | ".join(words[column][int(row[at[column]])] for column in told): row[at["score"]]
            for row in data["rows"]
        }
    rows = data if isinstance(data, list) else []
    return {str(row.get("id") or row.get("name")): row for row in rows}


def _fields(old: object, new: object) -> list[str]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [f"{old} to {new}"]
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]
