"""What the comparison screen holds: which models, in which configuration, and their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.claims import line_of, map_of, maps_of
from tui.plaintext import is_number
from tui.side_by_side import SideBySide, read_side_by_side, with_option

Document = Mapping[str, Any]
MOST = 12


@dataclass(frozen=True, slots=True)
class Pick:
    """One model of the comparison."""

    name: str
    """Hub id or API model; its display name where it has none."""
    option: int | None = None
    """Place among the recommendation's candidates, whose configuration is then shown."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The comparison, and what is to be told of the names."""

    picks: tuple[Pick, ...]
    view: SideBySide
    problems: tuple[str, ...] = ()
    focus: int | None = None
    """Place of the model that was added, or was there already."""


def options_of(recommendation: Document) -> tuple[Pick, ...]:
    """The options of a recommendation."""
    entries = maps_of(recommendation.get("candidates"))
    return tuple(Pick(_name(entry), place) for place, entry in enumerate(entries[:MOST]))


def _name(entry: Document) -> str:
    return line_of(entry.get("model_id")) or line_of(entry.get("model"))


def load(recommendation: Document, picks: Sequence[Pick], typed: str = "") -> Loaded:
    """Work the comparison out; takes some tenths of a second, for a thread.

    Args:
        recommendation: of the conversation; empty where there is none.
        picks: the models so far.
        typed: names to add, as a person types them.
    """
    from tools.commands.several import models_in

    several = models_in(typed)
    told = [" ".join(part for part in problem if part) for problem in several.problems]
    known = {pick.name: pick for pick in options_of(recommendation)}
    taken = list(picks)
    focus: int | None = None
    for model in several.models:
        name = _id(model)
        focus = next((place for place, pick in enumerate(taken) if pick.name == name), None)
        if focus is not None:
            continue
        if len(taken) >= MOST:
            told.append(f"No more than {MOST} models are compared at once: {name} is left out.")
        else:
            focus = len(taken)
            taken.append(known.get(name, Pick(name)))
    view, problems = _view(recommendation, taken)
    return Loaded(tuple(taken), view, (*told, *problems), focus if picks else None)


def _id(model: object) -> str:
    return str(getattr(model, "id", None) or getattr(model, "key", ""))


def _view(recommendation: Document, picks: Sequence[Pick]) -> tuple[SideBySide, list[str]]:
    from knowledge.errors import AdvisorError
    from tools.commands.compare import side_by_side
    from tools.commands.lookups import any_model_named, machine_named

    settings = settings_of(recommendation)
    problems: list[str] = []
    if settings.hardware is not None:
        try:
            machine_named(settings.hardware)
        except AdvisorError as error:
            problems.append(" ".join((error.message, error.hint)))
            settings = settings.model_copy(update={"hardware": None})
    found = []
    for pick in picks:
        try:
            found.append(any_model_named(pick.name)[0])
        except AdvisorError:
            continue  # an option that is no model of the catalog: its own figures are all there is
    document = side_by_side(found, settings)
    known = {entry["model_id"]: entry for entry in document["models"]}
    options = maps_of(recommendation.get("candidates"))
    document["models"] = [
        with_option(known.get(pick.name, {}), options[pick.option])
        if pick.option is not None
        else known[pick.name]
        for pick in picks
        if pick.option is not None or pick.name in known
    ]
    return read_side_by_side(document), problems


def settings_of(recommendation: Document) -> Any:  # noqa: ANN401 - imported after the first frame
    """The needs of the conversation, for the models that are no options of its recommendation."""
    from tools.commands.compare import CompareSettings

    needs = map_of(recommendation.get("needs"))

    def need(slot: str, key: str) -> str:
        return line_of(map_of(map_of(needs.get(slot)).get("value")).get(key))

    first: Document = next(iter(maps_of(recommendation.get("candidates"))), {})
    context = first.get("context") or map_of(needs.get("context")).get("value")
    given: dict[str, Any] = {"hardware": need("hardware", "text"), "task": need("task", "name")}
    if is_number(context):
        slots = int(first.get("parallel") or 1)
        given |= {"context": int(context) * slots, "parallel": slots}
    settings = CompareSettings()
    for key, value in given.items():
        if value:
            settings = _with(settings, key, value)
    return settings


def _with(settings: Any, key: str, value: object) -> Any:  # noqa: ANN401 - imported after the first frame
    """The settings with one more, where it is one that `compare` takes."""
    from pydantic import ValidationError

    try:
        checked = type(settings).model_validate({key: value})
    except ValidationError:
        return settings
    return settings.model_copy(update={key: getattr(checked, key)})
