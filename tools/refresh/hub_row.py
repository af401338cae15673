"""One model of the catalog as a hub describes it now, held against the bundled record.

What the hub says is untrusted: a license is a word of a license's form, a count is near what is known and
fits the shape and the name, a window is one that a model can have. What fails is one sentence, and the
bundled value stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from knowledge.catalog.overlay import FieldChange, ModelChange
from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.catalog.store import Catalog, refreshed
from knowledge.catalog.validate import check_model
from knowledge.errors import AdvisorError, NoAnswerError
from knowledge.shapes.settle import MISSES
from tools.bounded import BUSY
from tools.introspect.hub_client import HubClient
from tools.introspect.hub_config import architecture_of, config_row
from tools.introspect.sighting import bound_by_bases, stated_terms
from tools.refresh.found import Left

MAX_CONFIG = 4 << 20
SAME_COUNT = 0.005
"""Relative difference of two counts of one model: buffers are counted or not."""
COUNT_FACTOR = 3.0
"""Parameters never change by more between two states of one repository."""
WINDOW_FACTOR = 32.0
PLAIN_TYPES = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
"""Tensor types that hold one parameter in each value; packed ones hold several."""
TERMS = ("license", "commercial_use", "commercial_condition")
CONFIGURED = ("context_length", "architecture")
COUNTED = "params_total"
SIZES = ("layers", "hidden", "heads", "kv_heads", "head_dim", "ff", "vocab", "tied")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,79}")


def read_row(
    record: ModelRecord, catalog: Catalog, client: HubClient, day: date
) -> tuple[ModelChange | None, list[Left]]:
    """What the hub says otherwise than the bundled record, and what it says that cannot be.

    Args:
        record: the bundled record.
        catalog: the bundled catalog, for its licenses and bases.
        client: of the model's repository.
        day: of the refresh.

    Raises:
        NoAnswerError: the hub has no such model, does not show it, or answers with another one.
        ServiceError: it cannot be reached.
        UsageError: huggingface_hub is set offline.
    """
    facts = client.facts()
    named = facts.get("id")
    if isinstance(named, str) and named.lower() != record.id.lower():
        raise NoAnswerError("the hub answers with another model, of which nothing is taken.")
    left: list[Left] = []
    changes = _license(record, catalog, facts, left)
    count = _count(record, facts, left)
    changes += _configured(record, client, facts, count, left)
    if count is not None and not any(COUNTED in one.fields for one in left):
        changes.append(FieldChange(field=COUNTED, value=count, was=record.params_total))
    source = f"{client.shown.split('://')[-1]}/{record.id}@{client.revision[:12]}"
    sourced = catalog.sources(record.id)
    told = [one.model_copy(update={"was_source": _source(sourced, one.field)}) for one in changes]
    sound = _sound(record, catalog, told, source, day, left)
    change = ModelChange(id=record.id, changes=tuple(sound), source=source, fetched=day.isoformat())
    return (change if sound else None), left


def _source(sources: Mapping[str, str], field: str) -> str:
    return sources.get(field) or sources.get("*") or ""


def _license(
    record: ModelRecord, catalog: Catalog, facts: Mapping[str, Any], left: list[Left]
) -> list[FieldChange]:
    card = facts.get("cardData")
    if not isinstance(card, dict):
        return []
    stated = card.get("license_name") if card.get("license") == "other" else card.get("license")
    if stated is None:
        return []
    word = stated.strip().lower() if isinstance(stated, str) else ""
    if not _LICENSE.fullmatch(word):
        left.append(Left(TERMS, "the license that the hub states is no license's name"))
        return []
    if word == (record.license or "").lower():
        return []
    license_id, use, condition = stated_terms(word, catalog)
    changed = bound_by_bases(
        record.model_copy(
            update={"license": license_id, "commercial_use": use, "commercial_condition": condition}
        ),
        catalog,
    )
    return [
        FieldChange(field=field, value=getattr(changed, field), was=getattr(record, field))
        for field in TERMS
        if getattr(changed, field) != getattr(record, field)
    ]


def _count(record: ModelRecord, facts: Mapping[str, Any], left: list[Left]) -> int | None:
    """Parameters by the headers of the weights, where they differ and can be."""
    told = facts.get("safetensors")
    types = told.get("parameters") if isinstance(told, dict) else None
    if not isinstance(types, dict) or not types or not set(types) <= PLAIN_TYPES:
        return None  # not told, or packed: values are no parameters
    total = told.get("total") if isinstance(told, dict) else None
    known = record.params_total
    most = 2 * 10**13 if known is None else min(2 * 10**13, int(known * COUNT_FACTOR))
    least = 10**6 if known is None else int(known / COUNT_FACTOR)
    if not isinstance(total, int) or isinstance(total, bool) or not least <= total <= most:
        left.append(Left((COUNTED,), f"its parameters are said to be {_short(total)}, which cannot be"))
        return None
    same = known is not None and abs(total - known) <= SAME_COUNT * known
    return None if same else total


def _short(value: object) -> str:
    if type(value) is int:
        return f"{value:,}" if abs(value) < 10**18 else "more than 10^18"
    return "no number"


def _configured(
    record: ModelRecord,
    client: HubClient,
    facts: Mapping[str, Any],
    count: int | None,
    left: list[Left],
) -> list[FieldChange]:
    """Window and shape, where the repository has a configuration."""
    listed = _listed(facts).get("config.json")
    if listed is None:
        return []
    from tools.refresh.fetching import parsed

    try:
        config = parsed(client.whole("config.json", MAX_CONFIG, listed), "its configuration")
        if not isinstance(config, dict):
            raise AdvisorError("its configuration is no configuration")
        row = config_row(record.id, config, count or record.params_total)
        shape = architecture_of(row)
    except AdvisorError as error:
        if error.code == BUSY:
            raise
        left.append(Left(CONFIGURED, error.message[:1].lower() + error.message[1:].rstrip(".")))
        return []
    if other := _another(record.architecture, shape):
        left.append(Left((*CONFIGURED, COUNTED), other))
        return []
    return [*_window(record, row.get("context_length"), left), *_shape(record, shape, left)]


def _another(known: Architecture | None, said: Architecture | None) -> str:
    """That a configuration is another model's: a repository keeps its architecture."""
    names = [one.arch if one is not None else None for one in (known, said)]
    if None in names or names[0] == names[1]:
        return ""
    return f"its configuration is that of another architecture ({names[1]} instead of {names[0]})"


def _listed(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = facts.get("siblings")
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("rfilename"), str):
            found[row["rfilename"]] = row
    return found


def _window(record: ModelRecord, length: object, left: list[Left]) -> list[FieldChange]:
    known = record.context_length
    if not isinstance(length, int) or not length or length == known:
        return []
    if known is not None and not 1 / WINDOW_FACTOR <= length / known <= WINDOW_FACTOR:
        text = f"its window is said to be {_short(length)} tokens, which cannot be"
        left.append(Left(("context_length",), text))
        return []
    return [FieldChange(field="context_length", value=length, was=known)]


def sizes(shape: Architecture | None) -> dict[str, Any]:
    """The sizes that make a shape; experts as their count and how many a token uses."""
    if shape is None:
        return {}
    found = {name: getattr(shape, name) for name in SIZES}
    if shape.experts is not None:
        found |= {"experts": shape.experts.count, "experts_used": shape.experts.used}
    if shape.window is not None:
        found["window"] = shape.window.size
    return {name: size for name, size in found.items() if size is not None}


def _shape(record: ModelRecord, shape: Architecture | None, left: list[Left]) -> list[FieldChange]:
    """The whole shape, where one of its sizes differs; what only one of both knows is no difference."""
    if shape is None:
        return []
    known, said = sizes(record.architecture), sizes(shape)
    if known and all(known[name] == said[name] for name in known.keys() & said.keys()):
        return []
    missed = [note for note in shape.approximations if note.startswith(MISSES)]
    if missed and known:
        text = f"its architecture is left as it was: {missed[0].partition(':')[0]}"
        left.append(Left(("architecture",), text))
        return []
    value = shape.model_dump(mode="json", exclude_defaults=True)
    return [FieldChange(field="architecture", value=value, was=known or None)]


def _sound(
    record: ModelRecord,
    catalog: Catalog,
    changes: list[FieldChange],
    source: str,
    day: date,
    left: list[Left],
) -> list[FieldChange]:
    """The changes that leave a record without a new contradiction: all together, else one by one."""

    def findings(kept: list[FieldChange]) -> list[str]:
        change = ModelChange(id=record.id, changes=tuple(kept), source=source, fetched=_later(record, day))
        changed = refreshed(record, change)
        if changed is record and kept:
            return ["what the hub says makes no record"]
        return [one.message for one in check_model(changed, catalog.licenses, day) if one.rule != "license"]

    before = set(findings([]))
    if not changes or set(findings(changes)) <= before:
        return changes
    sound = []
    for change in changes:
        new = [message for message in findings([change]) if message not in before]
        if new:
            text = f"its {change.field.replace('_', ' ')} is left as it was: {new[0]}"
            left.append(Left((change.field,), text))
        else:
            sound.append(change)
    return sound


def _later(record: ModelRecord, day: date) -> str:
    return max(record.as_of, day.isoformat())
