"""`models refresh`: what has changed since the bundled facts, and an overlay of it that is taken or dropped.

The network is asked only here. Everything is gathered and held against the bundled rows first; the overlay is
written whole at the end, so that an interruption leaves the one that was there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field

from knowledge.catalog.api_models import bundled_price_map
from knowledge.catalog.overlay import Overlay, drop_overlay, load_overlay, write_overlay
from knowledge.catalog.records import ApiModel, ModelRecord
from knowledge.catalog.store import bundled_catalog, forget_added
from knowledge.errors import AdvisorError, ServiceError, UsageError
from knowledge.today import today
from tools.commands.lookups import any_model_named
from tools.commands.requests import Name, Request
from tools.expected_anew import keep_expectations
from tools.refresh.board_sources import board_sources
from tools.refresh.boards import ask_board, is_of
from tools.refresh.found import PARTS, Gathered, Part, Problem
from tools.refresh.hub import Progress, ask_hub, chosen
from tools.refresh.prices import ask_prices
from tools.refresh.standing import standing

Document = dict[str, Any]
MAX_NAMES = 200
T = TypeVar("T")
_log = logging.getLogger("llm_advisor.refresh")


def _names(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class RefreshQuery(Request):
    """Request of `models refresh`."""

    models: Annotated[tuple[Name, ...], BeforeValidator(_names), Field(max_length=MAX_NAMES)] = Field(
        (), description="only these models: names, hub ids, Ollama tags or API models"
    )
    only: Literal["hub", "prices", "scores"] | None = Field(
        None, description="only one of hub, prices and scores"
    )
    yes: bool = Field(False, description="take what is found without asking")
    drop: bool = Field(False, description="forget everything that was refreshed; nothing is asked for")


@dataclass(frozen=True, slots=True)
class Refresh:
    """What was found, and the overlay that it would make."""

    document: Document
    overlay: Overlay
    before: Overlay
    """The one that was there."""

    @property
    def changed(self) -> bool:
        """Whether the overlay would be another one, be it only in the days on which was asked."""
        return self.overlay != self.before


def look(query: RefreshQuery, *, offline: bool = False, progress: Progress | None = None) -> Refresh:
    """Asks for newer facts; nothing is taken.

    Args:
        query: the request.
        offline: forbids it.
        progress: told how many models of how many the hub was asked for.

    Raises:
        UsageError: the network is forbidden, or a named model was added by the person.
        NoAnswerError: a named model is not known.
        ServiceError: nothing at all could be reached.
    """
    if offline:
        raise UsageError(
            "Newer facts come over the network, which --offline forbids.", hint="Leave --offline away."
        )
    named = [any_model_named(name)[0] for name in query.models]
    local = list({model.id: model for model in named if isinstance(model, ModelRecord)}.values())
    sold = list({model.key: model for model in named if isinstance(model, ApiModel)}.values())
    for model in local:
        if model.added is not None:
            raise UsageError(
                f"{model.id} was added by you.", hint=f"Add it again: llm-advisor models add {model.id}."
            )
    day, before = today(), load_overlay()
    parts = PARTS if query.only is None else (query.only,)
    after, gathered = standing(before, bundled_catalog(), bundled_price_map()), dict[Part, list[Gathered]]()
    if "hub" in parts and (local or not named):
        after, gathered["hub"] = _hub(after, local, day, progress)
    if "prices" in parts and (sold or not named):
        after, gathered["prices"] = _prices(after, [model.key for model in sold], day)
    if "scores" in parts and (local or not named):
        after, gathered["scores"] = _scores(after, [model.id.lower() for model in local], day)
    if not gathered:
        kind = "models of the hub" if query.only == "prices" else "models behind an API"
        raise UsageError(
            f"`{query.only}` has nothing on {kind}.", hint="Leave --only away, or name other models."
        )
    found = [one for rows in gathered.values() for one in rows]
    problems = [problem for one in found for problem in one.problems]
    if problems and not any(one.asked for one in found) and all(problem.service for problem in problems):
        raise ServiceError(
            f"Nothing could be refreshed: {problems[0].text}",
            hint="Check the network; the facts in use stay as they are.",
        )
    document = _document(gathered, day) | {"confirms": after != before}
    return Refresh(document, after, before)


def _hub(
    overlay: Overlay, named: list[ModelRecord], day: date, progress: Progress | None
) -> tuple[Overlay, list[Gathered]]:
    catalog = bundled_catalog()
    wanted = [catalog.by_id[model.id.lower()] for model in named]
    rows = ask_hub(chosen(catalog, overlay, wanted), catalog, overlay, day, progress)
    kept = [row for row in overlay.models if row.id not in rows.changes]
    new = [change for change in rows.changes.values() if change is not None]
    models = tuple(sorted([*kept, *new], key=lambda row: row.id))
    checked = overlay.checked | dict.fromkeys(rows.changes, day.isoformat())
    return overlay.model_copy(update={"models": models, "checked": checked}), [rows.gathered]


def _prices(overlay: Overlay, keys: list[str], day: date) -> tuple[Overlay, list[Gathered]]:
    changes, gathered = _guarded("prices", lambda: ask_prices(bundled_price_map(), overlay, day, keys))
    if changes is None:
        return overlay, [gathered]
    kept = [row for row in overlay.prices if keys and row.key not in keys]
    update: Document = {"prices": tuple(sorted([*kept, *changes], key=lambda row: row.key))}
    if gathered.whole:  # a few rows do not make the whole map newer
        update["prices_fetched"] = day.isoformat()
    return overlay.model_copy(update=update), [gathered]


def _scores(overlay: Overlay, ids: list[str], day: date) -> tuple[Overlay, list[Gathered]]:
    catalog, boards, found = bundled_catalog(), board_sources(), []
    names = {board.name for board in boards}
    read = {name: on for name, on in overlay.boards.items() if name in names}
    overlay = overlay.model_copy(update={"boards": read})
    for board in boards:
        before = overlay
        changes, gathered = _guarded("scores", partial(ask_board, board, catalog, before, day, ids))
        found.append(gathered)
        if changes is None:
            continue
        kept = [row for row in overlay.scores if not is_of(row, board, ids)]
        update: Document = {"scores": (*kept, *changes)}
        if not ids:
            update["boards"] = overlay.boards | {board.name: day.isoformat()}
        overlay = overlay.model_copy(update=update)
    return overlay, found


def _guarded(
    part: Part, ask: Callable[[], tuple[list[T] | None, Gathered]]
) -> tuple[list[T] | None, Gathered]:
    """An answer that nobody foresaw leaves its own part as it is, and not the others."""
    try:
        return ask()
    except AdvisorError:
        raise
    except Exception as error:
        _log.warning("an answer of %s cannot be read", part, exc_info=error)
        kind = type(error).__name__
        return None, Gathered(problems=[Problem(part, f"The answer cannot be read ({kind}).")])


def _document(gathered: dict[Part, list[Gathered]], day: date) -> Document:
    differences = [row for rows in gathered.values() for one in rows for row in one.differences]
    problems = [row for rows in gathered.values() for one in rows for row in one.problems]
    return {
        "day": day.isoformat(),
        "taken": False,
        "asked": {
            part: {"asked": sum(one.asked for one in rows), "of": sum(one.of for one in rows)}
            for part, rows in gathered.items()
        },
        "count": len(differences),
        "changes": [row.as_json() for row in differences],
        "problems": [{"part": row.part, "message": row.text} for row in problems],
    }


def take(found: Refresh) -> Document:
    """Writes the overlay; the document says so. Where nothing is new, nothing is written.

    Raises:
        AdvisorError: the state folder cannot be written, or another refresh was taken meanwhile.
    """
    if found.changed:
        write_overlay(found.overlay, found.before)
        forget_added()
        keep_expectations()
    return {**found.document, "taken": found.changed}


def drop() -> Document:
    """Forgets everything that was refreshed.

    Raises:
        AdvisorError: the file cannot be deleted.
    """
    before = load_overlay()
    dropped = drop_overlay()
    forget_added()
    keep_expectations()
    return {
        "dropped": dropped,
        "models": len(before.models),
        "prices": len(before.prices),
        "scores": len(before.scores),
    }
