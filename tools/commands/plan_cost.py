"""`plan cost`: the request, and what it means for the plan."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from knowledge.catalog.api_models import resolve_api_model
from knowledge.catalog.records import ApiModel
from knowledge.errors import NoAnswerError, UnknownNameError, UsageError
from tools.brief import Brief, brief_of
from tools.commands.facts import with_facts
from tools.commands.lookups import any_model_named, machine_named
from tools.commands.recommend import Count, exact_slot
from tools.commands.requests import RESERVE_FIELD, Name, Number, Request, ReserveText, Text, Tokens
from tools.needs import Budget, Deployment, Feature, HardwareNeed, Needs, Priority, Slot, Task, Volume
from tools.planning.cost import plan_cost
from tools.planning.cost_ways import Plan
from tools.price_claims import price_claim
from tools.prices import lifetime_months, stated, tariff
from tools.reserve import asked_reserve
from tools.running_costs import Settings, load_of

Document = dict[str, Any]
MOST = 1_000_000_000_000
"""Tokens or requests a day; more is a slip."""
NONE = ("none", "no", "nothing", "-")
_AMOUNT = re.compile(
    r"\s*([0-9][0-9,_]*(?:\.[0-9]+)?)\s*([kmb])?(?:illion)?\s*(?:tokens?|requests?)?\s*", re.IGNORECASE
)
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def _amount(value: object) -> object:
    """`2M` is two million: volumes are counted in tens, unlike windows."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    if isinstance(value, str) and (found := _AMOUNT.fullmatch(value)):
        number = float(found[1].replace(",", "").replace("_", ""))
        return round(number * _SCALE[(found[2] or "").lower()])
    return value


def _items(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Amount = Annotated[int, BeforeValidator(_amount), Field(ge=0, le=MOST)]
Usd = Annotated[float, Number, Field(gt=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Number, Field(ge=0, le=1, allow_inf_nan=False)]


def _field(description: str, metavar: str = "N") -> Any:  # noqa: ANN401 - as pydantic's own Field
    return Field(None, description=description, json_schema_extra={"metavar": metavar})


class PlanCostQuery(Request):
    """Request of `plan cost`."""

    task: Task = Field("chat", description="what the model is for")
    hardware: Text | None = _field('the machine in words, or "none"; this machine where missing', "TEXT")
    buy: bool = Field(False, description="the machine has yet to be bought: its price is written off")
    model: Name | None = _field("the local model; the best one for the machine where missing", "TEXT")
    api: Annotated[tuple[Name, ...], BeforeValidator(_items)] | None = _field(
        "API models to compare, separated by commas; found by quality and budget where missing", "TEXT"
    )
    input_tokens: Amount | None = _field("input tokens a day, such as 300000 or 2M (million)")
    output_tokens: Amount | None = _field("output tokens a day, with what the model thinks")
    requests: Amount | None = _field("requests a day, where tokens are not known")
    context: Tokens | None = _field("tokens that one request needs")
    concurrency: Count | None = _field("conversations at once, at least")
    features: Annotated[tuple[Feature, ...], BeforeValidator(_items)] | None = _field(
        "what the model must be able to do", "TEXT"
    )
    license: Literal["personal", "research", "commercial", "any"] | None = _field("intended use", "TEXT")
    priority: Priority | None = _field("what counts most", "TEXT")
    private: bool = Field(False, description="nothing may leave your machines: no API, no rented GPU")
    deployment: Literal["local", "api", "either"] = Field("either", description="where it may run")
    budget: Usd | None = _field("US dollars a month, at most")
    budget_once: Usd | None = _field("US dollars for hardware, at most")
    tariff: Annotated[Text, BeforeValidator(_text)] | None = _field(
        "electricity: dollars per kWh, `0.35 EUR`, 0 for your own power, or a region (us, eu, de, uk ...)",
        "PRICE",
    )
    hardware_price: Usd | None = _field("what the machine costs to buy, in dollars (implies buy)", "USD")
    rent: Usd | None = _field(
        "dollars an hour of one rented GPU: of the named card, else of the usual one", "USD"
    )
    lifetime: Annotated[float, Number, Field(gt=0, le=600)] | None = _field("months of use to write off over")
    watts: Annotated[float, Number, Field(gt=0, le=1e6)] | None = _field("of the whole machine under load")
    hours_on: Annotated[float, Number, Field(gt=0, le=24)] | None = _field(
        "hours a day the machine is on (or paid for) for this; the hours of work only where missing"
    )
    cached: Share = Field(
        0.0,
        description="share of the input that is a repeated prefix, 0 to 1; read once, here and behind an API",
    )
    batch: bool = Field(False, description="calls may wait: batch prices where the map has them")
    reserve: ReserveText = RESERVE_FIELD


def cost(query: PlanCostQuery) -> Document:
    """The ways to serve a volume, their cost a month and the break-even.

    Raises:
        NoAnswerError: A model or device is not known, or no longer served.
        UsageError: Values that do not go together, or a price that cannot be read.
    """
    if query.private and query.deployment == "api":
        raise UsageError(
            "`private` excludes every API, and `deployment` asks for one.", hint="Leave one of the two out."
        )
    settings = _settings(query)
    local, keys, note = _models(query)
    with asked_reserve(query.reserve):
        brief, notes = _brief(query)
        if load_of(brief.volume).total == 0:
            raise UsageError(
                "A volume of no tokens costs nothing.",
                hint="Give input_tokens, output_tokens or requests above 0.",
            )
        document = plan_cost(
            Plan(
                brief,
                settings,
                None if isinstance(local, ApiModel) else local,
                keys,
                query.buy or query.hardware_price is not None,
                query.cached,
                query.batch,
            )
        )
    document["caveats"] = [*notes, *document["caveats"]]
    if note:
        document["note"] = note
    return with_facts(document, *(option["model_id"] for option in document["options"]))


def _settings(query: PlanCostQuery) -> Settings:
    def given(value: float | None) -> Any:  # noqa: ANN401 - a figure or nothing
        return stated(value) if value is not None else None

    return Settings(
        tariff(query.tariff),
        lifetime_months(query.lifetime),
        given(query.hardware_price),
        given(query.rent),
        query.watts,
        query.hours_on,
    )


def _models(query: PlanCostQuery) -> tuple[Any, tuple[str, ...], str]:
    """The local model, the keys of the API models, and how a name was read."""
    keys = [_api_key(name) for name in query.api or ()]
    if query.model is None:
        return None, tuple(keys), ""
    found, note = any_model_named(query.model)
    if isinstance(found, ApiModel):  # a person who names one wants to see it, whichever option it came by
        return None, (*keys, found.key), note
    return found, tuple(keys), note


def _api_key(name: str) -> str:
    """The key of an API model; of one that is gone, what became of it is the hint."""
    try:
        return resolve_api_model(name).key
    except UnknownNameError as error:
        claim = price_claim(name)
        if claim is None:
            raise
        raise NoAnswerError(error.message, hint=claim.text, code=error.code) from None


def _brief(query: PlanCostQuery) -> tuple[Brief, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    slots: dict[str, Slot[Any]] = {"task": exact_slot("task", query.task)}
    mode = "local" if query.private else query.deployment
    slots["deployment"] = Slot(value=Deployment(mode=mode, private=query.private))
    if query.hardware is not None:
        none = query.hardware.strip().lower() in NONE
        slots["hardware"] = Slot(value=HardwareNeed(text=query.hardware, none=none))
        if not none:
            notes = machine_named(query.hardware)[1]
    if any(value is not None for value in (query.input_tokens, query.output_tokens, query.requests)):
        slots["volume"] = Slot(
            value=Volume(
                input_tokens_per_day=query.input_tokens,
                output_tokens_per_day=query.output_tokens,
                requests_per_day=query.requests,
            )
        )
    if slots.get("hardware") is not None and (query.buy or query.hardware_price) and _is_rented(query):
        raise UsageError("A rented machine is not bought.", hint="Leave `buy` and `hardware_price` out.")
    slots["budget"] = Slot(value=Budget(usd_per_month=query.budget, usd_once=query.budget_once))
    for name in ("context", "concurrency", "features", "license", "priority"):
        value = getattr(query, name)
        if value is not None:
            slots[name] = exact_slot(name, value)
    return brief_of(Needs().updated(**slots)), notes


def _is_rented(query: PlanCostQuery) -> bool:
    text = query.hardware or ""
    return text.strip().lower() not in NONE and machine_named(text)[0].rented
