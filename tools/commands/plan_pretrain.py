"""`plan pretrain`: a small GPT from scratch, or a base adapted to a domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.errors import NoAnswerError, UsageError
from tools.brief import Assumption
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named
from tools.commands.requests import Name, Number, Request, Text, Tokens
from tools.hardware import describe, detect_machine
from tools.hardware_types import Machine
from tools.memory.pretrain import PretrainConfig, pretrain_config, pretrain_configs
from tools.planning.amounts import Amount, read_amount
from tools.planning.pretrain import default_iterations, with_vocabulary
from tools.planning.pretrain_report import Chosen, Material, document_of
from tools.planning.pretrain_run import Batch, Place, batch_for, place_of, with_context
from tools.planning.pretrain_tables import (
    Decision,
    Vote,
    Wish,
    context_row,
    decide,
    plan_tables,
    use_case_row,
    votes,
)
from tools.reserve import reserved

Document = dict[str, Any]
REFERENCE = "RTX 3090"
Count = Annotated[int, Number, Field(ge=1, le=1_000_000_000)]


class PretrainQuery(Request):
    """Request of `plan pretrain`; all of it is optional."""

    hardware: Text | None = Field(
        None, description='the machine that trains, such as "RTX 3090"; this machine where missing'
    )
    dataset: Text | None = Field(
        None, description='the general text to train on, such as "500MB", "125M tokens" or "10,000 pages"'
    )
    use_case: Text | None = Field(
        None, description="what for: testing, prototype, chat, document RAG, code generation, domain expert"
    )
    context: Tokens | None = Field(None, description="tokens the model must see at once, up to 1024")
    priority: Literal["speed", "balanced", "quality"] | None = Field(
        None, description="speed, balanced or quality"
    )
    config: Name | None = Field(None, description="plan this configuration, such as 350M_1024")
    iterations: Count | None = Field(
        None, description="iterations from scratch (by priority or configuration if missing)"
    )
    phase: Literal["scratch", "domain", "both"] | None = Field(
        None, description="train from scratch, adapt a base to a domain, or both in turn"
    )
    domain_data: Text | None = Field(None, description='text of the domain, such as "200M tokens"')
    domain_iterations: Count | None = Field(
        None, description="iterations of the adaptation (four passes over the domain data if missing)"
    )
    adaptation: Literal["cautious", "balanced", "aggressive"] | None = Field(
        None, description="learning rate of the adaptation: cautious, balanced or aggressive"
    )
    vocabulary: Annotated[int, Number, Field(ge=2, le=1_000_000)] | None = Field(
        None, description="entries of the vocabulary (the configuration's own if missing)"
    )


@dataclass(slots=True)
class _Reading:
    """A request with the machine and the amounts read."""

    place: Place
    machine: Machine
    dataset: Amount | None
    domain: Amount | None
    phases: tuple[Literal["scratch", "domain"], ...]
    assumptions: list[Assumption]
    notes: tuple[str, ...]


def _machine(query: PretrainQuery, assumed: list[Assumption]) -> tuple[Machine, tuple[str, ...]]:
    if query.hardware is not None:
        machine, notes = machine_named(query.hardware, train=True)
        return reserved(machine), notes
    found = detect_machine()
    if found.devices:
        assumed.append(Assumption("hardware", describe(found), "this machine, as detected"))
        return reserved(found), ()
    machine, notes = machine_named(REFERENCE)
    why = "no card was named and this machine has none; the guide's times are for this card"
    assumed.append(Assumption("hardware", REFERENCE, why))
    return reserved(machine), notes


def _phases(query: PretrainQuery) -> tuple[Literal["scratch", "domain"], ...]:
    both = query.use_case is not None and bool(use_case_row(query.use_case).get("two_phases"))
    said = query.domain_data or query.domain_iterations or query.adaptation
    if query.phase == "scratch":
        _refuse_domain(query)
    asked = query.phase or ("both" if both or said else "scratch")
    if asked == "scratch":
        return ("scratch",)
    return ("domain",) if asked == "domain" else ("scratch", "domain")


def _refuse_domain(query: PretrainQuery) -> None:
    """Training from scratch alone has no use for what is said of a domain.

    Raises:
        UsageError: Something was said of one.
    """
    for name in ("domain_data", "domain_iterations", "adaptation"):
        if getattr(query, name) is not None:
            raise UsageError(
                f"`{name}` is for adapting to a domain, and `phase` asks for the run from scratch alone.",
                hint="Ask for the phase `both` or `domain`, or name the text as `dataset`.",
            )


def _read(query: PretrainQuery) -> _Reading:
    assumed: list[Assumption] = []
    machine, notes = _machine(query, assumed)
    domain, phases = query.domain_data, _phases(query)
    if domain is None and query.dataset is not None and phases == ("domain",):
        domain = query.dataset
        assumed.append(Assumption("domain_data", domain, "the stated data, as only the domain is trained on"))
    return _Reading(
        place=place_of(machine),
        machine=machine,
        dataset=read_amount(query.dataset) if query.dataset else None,
        domain=read_amount(domain, "domain_data") if domain else None,
        phases=phases,
        assumptions=assumed,
        notes=notes,
    )


def _decision(query: PretrainQuery, cast: tuple[Vote, ...], assumed: list[Assumption]) -> Decision:
    if query.config is not None:
        config = pretrain_config(query.config)
        if config is None:
            names = ", ".join(c.name for c in pretrain_configs())
            raise NoAnswerError(
                f"The guide has no configuration `{query.config[:60]}`.",
                hint=f"There is: {names}.",
                code="unknown_name",
            )
        if query.context is not None and config.block_size < query.context:
            raise UsageError(
                f"{config.name} sees {config.block_size} tokens, not {query.context:,}.",
                hint="Leave `context` or `config` out.",
            )
        return Decision(config, "config", f"{config.name} was named.")
    if query.context is not None:
        return decide(cast, query.context)
    long = next((v for v in cast if v.table == "use_case" and v.configs), None)
    context = 1024 if long is not None and all(name.endswith("_1024") for name in long.configs) else 256
    why = "what the configurations for this use case see" if context > 256 else "the guide's standard context"
    assumed.append(Assumption("context", context, why))
    return decide(cast, context, must_hold=False)


def _sized(config: PretrainConfig, query: PretrainQuery) -> PretrainConfig:
    """The configuration with the asked vocabulary and block size."""
    if query.vocabulary is not None:
        config = with_vocabulary(config, query.vocabulary)
    row = context_row(query.context) if query.context is not None else None
    return with_context(config, row["block_size"]) if row is not None else config


def _placed(decision: Decision, query: PretrainQuery, place: Place) -> tuple[Decision, PretrainConfig, Batch]:
    """The configuration with its batch; a smaller one where not even one sequence fits.

    Raises:
        NoAnswerError: Nothing fits.
    """
    config = _sized(decision.config, query)
    batch = batch_for(config, config.block_size, place.room_bytes)
    if batch.largest or query.config is not None:
        return decision, config, batch
    for smaller in reversed([c for c in pretrain_configs() if c.params < decision.config.params]):
        config = _sized(smaller, query)
        batch = batch_for(config, config.block_size, place.room_bytes)
        if batch.largest:
            why = f"{decision.why} Not one sequence of {decision.config.name} fits, so {smaller.name}."
            return Decision(smaller, "computed memory", why), config, batch
    there = f"{place.room_bytes / (1 << 30):.1f} GiB of {place.name}"
    raise NoAnswerError(
        f"Not even {pretrain_configs()[0].name} fits the {there}.",
        hint="A card of 4 GB trains `small`; the guide's table of GPU memory begins there.",
        code="nothing_fits",
    )


def plan_pretraining(query: PretrainQuery) -> Document:
    """The plan of a pretraining run.

    Raises:
        UsageError: The hardware text, an amount or the use case cannot be read, or options contradict.
        NoAnswerError: Unknown configuration, a context that no configuration sees, or nothing fits.
    """
    if query.context is not None and context_row(query.context) is None:
        raise NoAnswerError(
            f"The guide's configurations see at most 1,024 tokens, not {query.context:,}.",
            hint="For longer texts fine-tune an existing model: `llm-advisor plan finetune`.",
            code="context",
        )
    read = _read(query)
    cast = votes(
        Wish(
            vram_gb=round(read.place.sold_gb, 1) if read.machine.devices else None,
            use_case=query.use_case,
            dataset_bytes=read.dataset.bytes() if read.dataset else None,
            context=query.context,
            priority=query.priority,
        )
    )
    decision, config, batch = _placed(_decision(query, cast, read.assumptions), query, read.place)
    usual = default_iterations(decision.config, query.priority)
    if query.iterations is None and "scratch" in read.phases:
        read.assumptions.append(Assumption("iterations", usual.iterations, usual.why))
    material = Material(
        place=read.place,
        hardware=describe(read.machine),
        dataset=read.dataset,
        domain=read.domain,
        phases=read.phases,
        iterations=query.iterations or usual.iterations,
        domain_iterations=query.domain_iterations,
        adaptation=query.adaptation or "balanced",
        adaptation_stated=query.adaptation is not None,
        question=_question(query),
    )
    return with_facts(
        document_of(Chosen(decision, config, batch, cast), material, read.assumptions, read.notes)
    )


def _question(query: PretrainQuery) -> str | None:
    """The question of the guide's summary matrix that the use case is."""
    if query.use_case is None:
        return None
    question: str | None = use_case_row(query.use_case).get("question")
    known = {row["question"] for row in plan_tables()["matrix"]["rows"]}
    return question if question in known else None
