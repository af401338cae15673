"""The tables of the pretraining guide as rows, what each says for a wish, and which one decides."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.errors import UsageError
from tools.citing import guide
from tools.memory.pretrain import PretrainConfig, pretrain_configs
from tools.memory.types import Evidence

Row = dict[str, Any]


@cache
def plan_tables() -> dict[str, Any]:
    """`tools/data/pretrain_plan.json`: the guide's tables and the constants of the plan."""
    text = files("tools").joinpath("data/pretrain_plan.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@dataclass(frozen=True, slots=True)
class Wish:
    """What the tables are asked with; None where nothing was said."""

    vram_gb: float | None = None
    """Memory of the card as sold, GiB."""
    use_case: str | None = None
    dataset_bytes: int | None = None
    context: int | None = None
    """Tokens that the model must see at once."""
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """What one table says."""

    table: str
    title: str
    asked: str | None
    """The value it was asked with, in words; None where nothing was said."""
    row: str | None
    configs: tuple[str, ...]
    why: str
    evidence: Evidence
    minimum: str | None = None
    """The smallest configuration that the table still calls sensible."""
    data: Row | None = None


def by_size(rows: list[Row], params: int) -> Row | None:
    """The last row whose `from_params` the size reaches; None below the first."""
    return next((row for row in reversed(rows) if params >= row["from_params"]), None)


def use_case_row(text: str) -> Row:
    """The row of the use-case table that words mean; the longest match counts.

    Raises:
        UsageError: None of its words occurs.
    """
    low = " ".join(re.findall(r"[a-z&]+", text.lower()))
    rows: list[Row] = plan_tables()["tables"]["use_case"]["rows"]
    found = [
        (len(word), row)
        for row in rows
        for word in (*row["words"],)
        if re.search(rf"\b{re.escape(word)}\b", low)
    ]
    if not found:
        names = "; ".join(row["name"] for row in rows)
        raise UsageError(f"`use_case`: `{text[:60]}` is none of the guide's.", hint=f"One of: {names}.")
    return max(found, key=lambda pair: pair[0])[1]


def vram_row(gb: float) -> Row | None:
    """The row of a card; at a shared edge (12, 16, 24 GB) the lower one, whose stated needs it just holds.

    A size between two rows belongs to the one it has outgrown. None below the first row.
    """
    rows: list[Row] = plan_tables()["tables"]["vram"]["rows"]
    inside = [
        row
        for row in rows
        if row["from_gb"] - 0.5 <= gb and (row["to_gb"] is None or gb <= row["to_gb"] + 0.5)
    ]
    below = [row for row in rows if gb >= row["from_gb"] - 0.5]
    # The open last row begins where the one before it ends; 40 GB is its own example (A100).
    if inside and inside[-1]["to_gb"] is None:
        return inside[-1]
    return inside[0] if inside else below[-1] if below else None


def _dataset_row(size: int) -> Row:
    rows: list[Row] = plan_tables()["tables"]["dataset"]["rows"]
    return next(row for row in rows if row["below_bytes"] is None or size < row["below_bytes"])


def context_row(tokens: int) -> Row | None:
    """The smallest block that holds so many tokens; None beyond the last."""
    rows: list[Row] = plan_tables()["tables"]["context"]["rows"]
    return next((row for row in rows if tokens <= row["block_size"]), None)


def _rows_for(wish: Wish) -> dict[str, tuple[str | None, Row | None]]:
    """Each table's question in words, and its row."""
    priorities: list[Row] = plan_tables()["tables"]["priority"]["rows"]
    size = wish.dataset_bytes
    return {
        "vram": (
            None if wish.vram_gb is None else f"{wish.vram_gb:g} GB",
            None if wish.vram_gb is None else vram_row(wish.vram_gb),
        ),
        "use_case": (wish.use_case, None if wish.use_case is None else use_case_row(wish.use_case)),
        "dataset": (None if size is None else size_words(size), None if size is None else _dataset_row(size)),
        "context": (
            None if wish.context is None else f"{wish.context:,} tokens",
            None if wish.context is None else context_row(wish.context),
        ),
        "priority": (
            wish.priority,
            next((row for row in priorities if row["name"] == wish.priority), None),
        ),
    }


def size_words(size: float) -> str:
    """Bytes of text as data sets are sold: `500 MB`, `2.5 GB`."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} bytes"


def votes(wish: Wish) -> tuple[Vote, ...]:
    """What every table says, in the order memory, use case, dataset, context, priority.

    Raises:
        UsageError: The use case is none of the guide's.
    """
    found = []
    for name, (asked, row) in _rows_for(wish).items():
        table = plan_tables()["tables"][name]
        configs = _configs_of(name, row)
        found.append(
            Vote(
                table=name,
                title=table["title"],
                asked=asked,
                row=row["name"] if row else None,
                configs=configs,
                why=_why(name, asked, row),
                evidence=_cited(name, row),
                minimum=(row or {}).get("minimum"),
                data=row,
            )
        )
    return tuple(found)


def _cited(table: str, row: Row | None) -> Evidence:
    """The lines of the guide's table, or of the row that answers."""
    tables = plan_tables()
    heading = (row or {}).get("heading") or tables["tables"][table]["heading"]
    if row is None:
        claim = next(one["claim"] for one in tables["citations"] if one["heading"] == heading)
    else:
        configs = " or ".join(f"{name}.json" for name in row.get("configs", ()))
        claim = f"{row['name']}: {configs or row['words']}"
    return guide(tables["guide"], heading, claim)


def _configs_of(table: str, row: Row | None) -> tuple[str, ...]:
    if row is None:
        return ()
    if table != "context":
        return tuple(row["configs"])
    block = row["block_size"]
    return tuple(
        c.name for c in pretrain_configs() if c.block_size >= block and (block > 256 or c.block_size <= 256)
    )


def _why(table: str, asked: str | None, row: Row | None) -> str:
    if asked is None:
        return "not stated"
    if row is None:
        return "below the table's first row" if table == "vram" else "beyond the table's last row"
    parts = [row.get("why", ""), row.get("note", "")]
    if table == "context":
        parts = [f"{row['words']}: {row['why']}"]
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Decision:
    """The configuration, and the table that decides it."""

    config: PretrainConfig
    decides: str
    """Name of the table, `config` where it was named, or `in doubt`."""
    why: str


def _config(name: str) -> PretrainConfig:
    return next(config for config in pretrain_configs() if config.name == name)


def _picked(vote: Vote, context: int) -> PretrainConfig:
    """The one of a table's several configurations that suits the context: the largest short or long one."""
    options = [_config(name) for name in vote.configs]
    holding = [c for c in options if c.block_size >= context] or options
    if context <= 256:
        holding = [c for c in holding if c.block_size <= 256] or holding
    # Of two that remain, the smaller: it is trained sooner, and what binds next may only make it smaller.
    return min(holding, key=lambda c: c.params)


def decide(cast: tuple[Vote, ...], context: int, *, must_hold: bool = True) -> Decision:
    """One configuration from what the tables say.

    The wish comes first: the use case, else the priority, else what the data carry, else what the memory
    holds. Memory and data bound it from above: more than either does not run, or learns the text by heart.
    Then the context must be held.

    Args:
        cast: What the tables say.
        context: Tokens that the model should see at once.
        must_hold: The context was stated, and not only assumed.
    """
    by_table = {vote.table: vote for vote in cast if vote.configs}
    order = ("use_case", "priority", "dataset", "vram")
    first = next((by_table[name] for name in order if name in by_table), None)
    if first is None:
        doubt = plan_tables()["in_doubt"]
        chosen, decides = _config(doubt["config"]), "in doubt"
        why = f"Nothing was said that a table could use; in doubt the guide begins with {chosen.name}."
    else:
        chosen, decides = _picked(first, context), first.table
        why = f"The {first.title} asks for {chosen.name}, and no other table forbids it."
    small_card = next((v for v in cast if v.table == "vram" and v.asked and not v.configs), None)
    for name in ("vram", "dataset"):
        limit = by_table.get(name)
        if limit is None and name == "vram" and small_card is not None:
            most, title = _config("tiny"), small_card.title
        elif limit is not None and limit is not first:
            most, title = _picked(limit, context), limit.title
        else:
            continue
        if most.params < chosen.params:
            said = (
                "the card is below the table" if limit is None else f"the {title} allows {most.name} at most"
            )
            opening = (
                f"In doubt the guide begins with {chosen.name}"
                if first is None and decides == "in doubt"
                else f"The {_title(cast, decides)} asks for {chosen.name}"
            )
            why = f"{opening}, but {said}."
            chosen, decides = most, name
    found = Decision(chosen, decides, why)
    return _long_enough(found, context) if must_hold else found


def _title(cast: tuple[Vote, ...], table: str) -> str:
    return next((vote.title for vote in cast if vote.table == table), table)


def _long_enough(found: Decision, context: int) -> Decision:
    """The nearest configuration that sees so many tokens, where the decided one does not."""
    if found.config.block_size >= context:
        return found
    longer = [c for c in pretrain_configs() if c.block_size >= context]
    if not longer:
        return found
    nearest = min(longer, key=lambda c: abs(c.params - found.config.params))
    return Decision(
        nearest,
        "context",
        f"{found.why} A context of {context:,} tokens then needs {nearest.name}: {found.config.name} sees "
        f"{found.config.block_size}.",
    )
