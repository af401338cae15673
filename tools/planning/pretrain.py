"""The plan of a pretraining run: configuration, batch, rates, phases, scaling laws, validation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from tools.memory.pretrain import PretrainConfig, parameter_count, pretrain_configs
from tools.planning.amounts import Amount, bytes_per_token
from tools.planning.pretrain_run import Batch, Place, batch_for, hours_for
from tools.planning.pretrain_tables import Row, by_size, plan_tables
from tools.speed_types import Interval

Adaptation = Literal["cautious", "balanced", "aggressive"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A learning rate of the guide."""

    scenario: str
    name: str
    low: float
    high: float
    chosen: float | None
    """The one for this plan; None where the plan has no such phase."""
    why: str = ""


def learning_rates(config: PretrainConfig, phases: tuple[str, ...], adaptation: str) -> tuple[Rate, ...]:
    """Every row of the guide's table of rates; from scratch, the table by size narrows the general figure."""
    size = by_size(plan_tables()["combinations"]["rows"], config.params)
    assert size is not None
    found = []
    for row in plan_tables()["learning_rates"]["rows"]:
        chosen, why = None, ""
        if row["scenario"] == "scratch" and "scratch" in phases:
            chosen = min(max(row["low"], size["rate_low"]), size["rate_high"])
            if not size["rate_low"] <= row["low"] <= size["rate_high"]:
                why = f"the table by size says {size['rate_low']:g} for {size['name']}, and decides"
        elif row["scenario"] == adaptation and "domain" in phases:
            chosen = row["low"]
        found.append(Rate(row["scenario"], row["name"], row["low"], row["high"], chosen, why))
    return tuple(found)


def warmup_iterations(iterations: int) -> int:
    """2 % of the iterations, inside the guide's 100 to 2000 and never more than half of the run."""
    table = plan_tables()["parameters"]
    usual = min(max(round(table["warmup_share"] * iterations), table["warmup_low"]), table["warmup_high"])
    return int(min(usual, max(1, iterations // 2)))


@dataclass(frozen=True, slots=True)
class Length:
    """How long the guide trains, and where it says so."""

    iterations: int
    why: str


def default_iterations(config: PretrainConfig, priority: str | None) -> Length:
    """The iterations that the guide's sweet spots ask for.

    A stated priority is its own row. Otherwise the configuration decides: the row that names it, else the
    guide's example with it, else the row of the largest configuration that is not above it.
    """
    rows = plan_tables()["tables"]["priority"]["rows"]
    stated = next((row for row in rows if row["name"] == priority), None)
    if stated is not None:
        more = ""
        if (usual := _named(config)) is not None and usual["iterations"] > stated["iterations"]:
            more = f"; for {config.name} the guide says {_least(usual)}"
        return Length(int(stated["iterations"]), f"the guide's sweet spot for {priority}{more}")
    if (row := _named(config)) is not None:
        return Length(int(row["iterations"]), f"the guide's sweet spot with {config.name}: {_least(row)}")
    example = next((e for e in plan_tables()["examples"]["rows"] if e["config"] == config.name), None)
    if example is not None:
        return Length(int(example["iterations"]), f"{example['name']} with {config.name}")
    sizes = {c.name: c.params for c in pretrain_configs()}
    below = [row for row in rows if sizes[row["configs"][0]] <= config.params] or rows[:1]
    nearest = max(below, key=lambda row: sizes[row["configs"][0]])
    why = f"the guide names no length for {config.name}; that of its sweet spot with {nearest['configs'][0]}"
    return Length(int(nearest["iterations"]), why)


def _named(config: PretrainConfig) -> Row | None:
    rows = plan_tables()["tables"]["priority"]["rows"]
    return next((row for row in rows if config.name in row["configs"]), None)


def _least(row: Row) -> str:
    return f"{row['iterations']:,}{' or more' if row.get('at_least') else ''}"


@dataclass(frozen=True, slots=True)
class Phase:
    """One training run."""

    name: Literal["scratch", "domain"]
    config: str
    """Name of the configuration file, without `.json`."""
    model_name: str
    init_from: str | None
    learning_rate: float
    iterations: int
    warmup: int
    tokens_seen: int
    dataset_tokens: int | None
    epochs: float | None
    hours: Interval | None


def phase_of(
    name: Literal["scratch", "domain"],
    config: PretrainConfig,
    batch: Batch,
    place: Place,
    *,
    rate: float,
    iterations: int,
    data: int | None,
) -> Phase:
    """A run of so many iterations, with what it sees and how long it computes."""
    tokens = iterations * batch.effective * config.block_size
    size = config.name.split("_")[0]
    own = plan_tables()["domain"]["own_config"]
    domain = name == "domain"
    return Phase(
        name=name,
        config=own.get(config.name, config.name) if domain else config.name,
        model_name=f"domain_{size}" if domain else f"base_{size}",
        init_from=f"checkpoints/base_{size}" if domain else None,
        learning_rate=rate,
        iterations=iterations,
        warmup=warmup_iterations(iterations),
        tokens_seen=tokens,
        dataset_tokens=data,
        epochs=tokens / data if data else None,
        hours=hours_for(config, config.block_size, tokens, place, checkpointing=batch.checkpointing),
    )


@dataclass(frozen=True, slots=True)
class DomainData:
    """What the guide's table says of the domain data for a base of this size."""

    row: Row | None
    """None for bases below the table (150M)."""
    tokens: int | None
    """As stated."""
    verdict: str


def domain_data(config: PretrainConfig, amount: Amount | None) -> DomainData:
    """Whether the domain data suit the base."""
    row = by_size(plan_tables()["domain"]["rows"], config.params)
    tokens = None if amount is None else amount.tokens(config.vocab_size)
    if row is None:
        return DomainData(
            None, tokens, "the guide's table begins at 150M: a smaller base has little to adapt"
        )
    span = f"{row['tokens_low'] / 1e6:,.0f} to {row['tokens_high'] / 1e6:,.0f} million tokens"
    if tokens is None:
        return DomainData(row, None, f"the guide asks for {span} ({row['remark']})")
    word = (
        "less than the guide asks for"
        if tokens < row["tokens_low"]
        else "more than the guide asks for; a larger base could use it"
        if tokens > row["tokens_high"]
        else "inside the guide's range"
    )
    return DomainData(
        row, tokens, f"about {tokens / 1e6:,.3g} million tokens, {word}: {span} ({row['remark']})"
    )


def domain_iterations(config: PretrainConfig, batch: Batch, tokens: int) -> int:
    """As many iterations as read the domain data four times; beyond that repetition fades."""
    worth = plan_tables()["scaling"]["epochs_worth"]
    return max(1, math.ceil(float(worth) * tokens / (batch.effective * config.block_size)))


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the scaling laws say of a configuration and its data."""

    needed_tokens: int
    """20 tokens a parameter (Hoffmann et al. 2022)."""
    unique_tokens: int | None
    seen_tokens: int
    epochs: float | None
    tokens_per_parameter: float
    """Tokens seen for each parameter."""
    optimal_params: int | None
    """Parameters that one pass over the data supports."""
    repeated_params: int | None
    """The same with the data read four times (Muennighoff et al. 2023)."""
    rule_params: tuple[int, int] | None
    """What the older guide's 10 to 20 % of the tokens would be."""
    smaller: str | None
    """The largest configuration that the data support when read four times; None without one."""
    smaller_state: Literal["unknown", "none needed", "none exists", "exists"]
    """Unknown where the data were not stated; none exists where even the smallest wants more."""
    smaller_tokens: int | None
    """Tokens of the same text under the smaller one's vocabulary."""
    smaller_context: int | None
    """Tokens that the smaller one sees at once."""


def _carried(config: PretrainConfig, unique: int) -> int:
    """Parameters that the data support when they are read four times, counted in the own vocabulary."""
    laws = plan_tables()["scaling"]
    return int(laws["epochs_worth"] * unique / laws["tokens_per_parameter"])


def _recounted(unique: int, config: PretrainConfig, other: PretrainConfig) -> int:
    """Tokens of the same text under another vocabulary."""
    return int(unique * bytes_per_token(config.vocab_size) / bytes_per_token(other.vocab_size))


def _smaller(
    config: PretrainConfig, unique: int, vocabulary: int | None
) -> tuple[PretrainConfig, int] | None:
    """The largest smaller configuration that the same text supports, with its tokens."""
    for usual in reversed(pretrain_configs()):
        other = usual if vocabulary is None else with_vocabulary(usual, vocabulary)
        tokens = _recounted(unique, config, other)
        if other.params < config.params and other.params <= _carried(other, tokens):
            return other, tokens
    return None


def scaling_of(
    config: PretrainConfig, unique: int | None, seen: int, *, vocabulary: int | None = None
) -> Scaling:
    """Holds a run against the scaling laws.

    Args:
        config: What is trained.
        unique: Tokens of the data set; None where unknown.
        seen: Tokens that the run reads.
        vocabulary: The entries that were asked for; None leaves a smaller configuration its own.
    """
    laws = plan_tables()["scaling"]
    ratio = laws["tokens_per_parameter"]
    repeated = None if unique is None else _carried(config, unique)
    found: tuple[PretrainConfig, int] | None = None
    state: Literal["unknown", "none needed", "none exists", "exists"] = "unknown"
    if unique is not None and repeated is not None:
        found = _smaller(config, unique, vocabulary) if repeated < config.params else None
        state = "exists" if found else "none needed" if repeated >= config.params else "none exists"
    return Scaling(
        needed_tokens=ratio * config.params,
        unique_tokens=unique,
        seen_tokens=seen,
        epochs=seen / unique if unique else None,
        tokens_per_parameter=seen / config.params,
        optimal_params=None if unique is None else unique // ratio,
        repeated_params=repeated,
        rule_params=None
        if unique is None
        else (int(laws["rule_low"] * unique), int(laws["rule_high"] * unique)),
        smaller=found[0].name if found else None,
        smaller_state=state,
        smaller_tokens=found[1] if found else None,
        smaller_context=found[0].block_size if found else None,
    )


def initial_loss(vocabulary: int) -> float:
    """The loss of a fresh model, which knows nothing: ln(vocabulary), in nats."""
    return math.log(vocabulary)


def with_vocabulary(config: PretrainConfig, vocabulary: int) -> PretrainConfig:
    """The configuration with another vocabulary; its token table changes with it."""
    changed = replace(config, vocab_size=vocabulary)
    return replace(changed, params=parameter_count(changed))


def alternatives_on(place: Place) -> list[tuple[PretrainConfig, Batch]]:
    """Every configuration of the guide with the batch that this device gives it."""
    return [(c, batch_for(c, c.block_size, place.room_bytes)) for c in pretrain_configs()]
