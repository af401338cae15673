"""`plan finetune`: whether to fine-tune, which base, how, and what it takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError, UsageError
from tools.brief import brief_of, defaults
from tools.calibrated import calibrated
from tools.candidates import Rejected, evidence_json
from tools.citing import plan_citations, plan_guides
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named, model_named
from tools.commands.requests import MAX_TOKENS, Name, Number, Request, Text, Tokens
from tools.commands.task_words import task_word
from tools.hardware import describe, detect_machine
from tools.hardware_types import Machine
from tools.memory.generic import is_encoder
from tools.memory.types import Evidence, TrainingRequest
from tools.needs import Dataset, HardwareNeed, LicenseNeed, Needs, Slot, Task, TaskNeed, Training
from tools.planning import finetune as plan
from tools.planning.finetune import BasePlan, Wish
from tools.planning.rubric import ENOUGH, POOR, Rubric, rubric_of
from tools.planning.training_fit import alike, fit_of, training_room, ways_of
from tools.planning.training_work import slow_rate
from tools.planning.tunability import Table, by_size, disagreements, distil_tables, stated_gains
from tools.reserve import reserved
from tools.roles import training as role

Document = dict[str, Any]
USE_KEYS = ("quant", "engine", "context", "kv_cache_type", "hardware", "memory", "speed")
USUAL_LENGTH = 4096
"""Tokens of an example where none were said: 1x in the guide's table of costs."""


def _share(value: object) -> object:
    """Reads 0.8, 80 and `80 %` as 0.8."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    if isinstance(value, str):
        text = value.strip()
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            return value
        return number / 100 if text.endswith("%") or number > 1 else number
    if isinstance(value, int | float):
        return value / 100 if value > 1 else value
    return value


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1, allow_inf_nan=False)]


class FinetuneQuery(Request):
    """Request of `plan finetune`."""

    model: Name | None = Field(None, description="base model; the best bases for the hardware where missing")
    hardware: Text | None = Field(
        None,
        description='machine to train on, such as "RTX 3090"; this machine where missing',
        json_schema_extra={"metavar": "TEXT"},
    )
    use_hardware: Text | None = Field(
        None,
        description="machine that runs the model afterwards, where it is another",
        json_schema_extra={"metavar": "TEXT"},
    )
    base_pass_rate: Share | None = Field(
        None,
        description="share of your scenarios that the untrained model passes (0.8, 80 or 80%)",
        json_schema_extra={"metavar": "N"},
    )
    scenarios: Annotated[int, Number, Field(ge=1, le=20_000)] = Field(
        20, description="scenarios of that test"
    )
    method: Literal["any", "full", "lora", "qlora"] = Field(
        "any", description="any, full, lora or qlora", json_schema_extra={"metavar": "TEXT"}
    )
    sequence_length: Tokens | None = Field(None, description="tokens of one training example")
    micro_batch_size: Annotated[int, Number, Field(ge=1, le=65536)] = Field(
        1, description="examples in one step on one GPU"
    )
    lora_rank: Annotated[int, Number, Field(ge=1, le=8192)] = Field(16, description="rank of the adapters")
    framework: Name = Field("transformers", description="training framework, such as unsloth or torchtune")
    examples: Annotated[int, Number, Field(ge=1, le=1_000_000_000)] | None = Field(
        None, description="examples in the data set"
    )
    epochs: Annotated[float, Number, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(
        1.0, description="times that each example is seen"
    )
    tokens: Annotated[int, Number, Field(ge=1, le=10**13)] | None = Field(
        None, description="tokens of the whole run, instead of examples and epochs"
    )
    task: Annotated[Task, BeforeValidator(task_word)] = Field(
        "chat", description="what the model is for", json_schema_extra={"metavar": "TEXT"}
    )
    license: Literal["personal", "research", "commercial", "any"] | None = Field(
        None, description="intended use, as far as licenses care", json_schema_extra={"metavar": "TEXT"}
    )
    context: Tokens | None = Field(None, description="tokens of one conversation in use")
    min_speed: Annotated[float, Number, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="tokens per second in use, at least"
    )
    format: Literal["gguf", "mlx", "awq", "gptq", "fp8"] = Field(
        "gguf", description="quantized format to deploy", json_schema_extra={"metavar": "TEXT"}
    )
    count: Annotated[int, Number, Field(ge=1, le=10)] = Field(
        3, description="bases to plan for where no model is named"
    )

    @field_validator("method", "license", "format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value


def plan_finetune(query: FinetuneQuery) -> Document:
    """The fine-tuning plan.

    Raises:
        NoAnswerError: the model or a device is not known, or no base fits.
        UsageError: the hardware text names no machine, or a value that no run takes.
    """
    wish, notes = _wish(query)
    models, rejected, note = _models(query, wish)
    bases = [plan.plan_base(model, wish) for model in models]
    document: Document = {
        "model": bases[0].model.name if query.model and bases else None,
        "model_id": bases[0].model.id if query.model and bases else None,
        "hardware": {"training": describe(wish.trainer), "use": describe(wish.user)},
        "worth": _worth(query, wish.rubric),
        "request": _request(wish),
        "bases": [_base(each, wish) for each in bases],
        "tunability": _tunability(wish),
        "rejected": [each.as_json() for each in rejected[:6]],
        "caveats": _caveats(query, wish, bases, notes),
        "basis": [evidence_json(evidence) for evidence in _basis(bases)],
        "citations": plan_citations("finetune"),
    }
    if not bases:
        document["error"] = _nothing(rejected)
    return with_facts(document, *models) | ({"note": note} if note else {})


def _machine(
    text: str | None, *, train: bool, fallback: Machine | None = None
) -> tuple[Machine, tuple[str, ...]]:
    if text is not None:
        machine, notes = machine_named(text, train=train)
        return reserved(machine), (*machine.assumptions, *notes)
    if fallback is not None:
        return fallback, ()
    machine = calibrated(reserved(detect_machine()))
    return machine, (f"No hardware was named: this machine was taken, {describe(machine)}.",)


def _wish(query: FinetuneQuery) -> tuple[Wish, list[str]]:
    trainer, notes = _machine(query.hardware, train=True)
    user, more = _machine(query.use_hardware, train=False, fallback=trainer)
    length = query.sequence_length or USUAL_LENGTH
    tokens = query.tokens
    if tokens is None and query.examples is not None:
        tokens = round(query.examples * query.epochs * length)
    if length * query.micro_batch_size > MAX_TOKENS:
        raise UsageError(
            f"{query.micro_batch_size:,} examples of {length:,} tokens make no sense in one step.",
            hint="Usual micro-batches are 1 to 8.",
        )
    request = TrainingRequest(
        method="qlora",
        sequence_length=length,
        micro_batch_size=query.micro_batch_size,
        lora_rank=query.lora_rank,
        framework=query.framework,
    )
    rubric = None if query.base_pass_rate is None else rubric_of(query.base_pass_rate, query.scenarios)
    speed = query.min_speed or float(defaults()["min_speed"][query.task])
    examples = query.examples if query.tokens is None else None
    wish = Wish(
        trainer, user, request, query.sequence_length is not None, rubric, tokens, examples,
        query.epochs, query.context or length, speed, query.format, query.method,
    )  # fmt: skip
    return wish, [*notes, *more]


def _models(query: FinetuneQuery, wish: Wish) -> tuple[list[ModelRecord], list[Rejected], str]:
    if query.model is not None:
        model, note = model_named(query.model)
        if is_encoder(model):
            raise NoAnswerError(
                f"{model.name} is an encoder: this plan is for models that write.",
                hint="`recommend --task classification --training lora` plans for encoders.",
            )
        return [model], [], note
    needs = Needs(
        task=Slot(value=TaskNeed(name=query.task)),
        hardware=_hardware_need(query),
        license=Slot(value=LicenseNeed(use=query.license)) if query.license else None,
        context=Slot(value=wish.context),
        min_speed=Slot(value=wish.min_speed, strength="wish"),
        training=Slot(
            value=Training(
                method="qlora" if query.method == "any" else query.method,
                sequence_length=wish.request.sequence_length,
            )
        ),
        dataset=Slot(value=Dataset(examples=query.examples)) if query.examples else None,
    )
    ranked = role.rank(brief_of(needs), keep=query.count)
    by_id = load_catalog().by_id
    found = [by_id[c.model_id.lower()] for c in ranked.candidates if c.model_id]
    return found, ranked.rejected, ""


def _hardware_need(query: FinetuneQuery) -> Slot[HardwareNeed] | None:
    use, train = query.use_hardware or query.hardware, query.hardware or ""
    return None if use is None else Slot(value=HardwareNeed(text=use, training_text=train))


def _worth(query: FinetuneQuery, rubric: Rubric | None) -> Document:
    limits = {"may_not_be_needed_above": ENOUGH, "should_help_below": POOR}
    if rubric is None:
        text = "Not known: run the untrained model on about 20 scenarios of your own and give the pass rate."
        return {"verdict": "to do", "text": text, **limits}
    found = rubric.as_json() | limits
    given = query.base_pass_rate or 0.0
    if abs(given * rubric.scenarios - rubric.passed) > 0.05:
        found["text"] += (
            f" ({given:.0%} of {rubric.scenarios} is no whole number: {rubric.passed} were counted.)"
        )
    return found


def _request(wish: Wish) -> Document:
    r = wish.request
    return {
        "sequence_length": r.sequence_length,
        "sequence_length_assumed": not wish.length_said,
        "micro_batch_size": r.micro_batch_size,
        "lora_rank": r.lora_rank,
        "framework": r.framework,
        "examples": wish.examples,
        "epochs": wish.epochs,
        "tokens": wish.tokens,
        "steps": plan.steps(wish),
        "context": wish.context,
        "min_speed": wish.min_speed,
        "format": wish.format,
    }


def _base(found: BasePlan, wish: Wish) -> Document:
    model, use = found.model, found.use
    items = plan.checklist(found, wish)
    return {
        "model": model.name,
        "model_id": model.id,
        "params_b": None if model.params_b is None else round(model.params_b, 3),
        "context_length": model.context_length,
        "license": {"id": model.license or "unknown", "commercial_use": model.commercial_use},
        "method": found.way.method if found.way else None,
        "method_why": found.why,
        "room": {"device": found.device, "available_bytes": found.room},
        "training": found.shown.as_json(),
        "ways": [way.in_short() for way in found.ways],
        "savings": list(found.shown.estimate.caveats),
        "logits": found.logits,
        "hyperparameters": list(plan.hyperparameters(wish.request, found.shown.method)),
        "time": None if found.time is None else found.time.as_json(),
        "time_unknown": _time_unknown(found, wish),
        "ranks": [
            {"table": table.title, "kind": table.kind, "as_of": table.as_of, **row.as_json()}
            for table, row in plan.ranks_of(model.id)
        ],
        "use": None if use is None else {key: use.as_json()[key] for key in USE_KEYS},
        "checklist": [item.as_json() for item in items],
        "open_items": sum(item.done != "yes" for item in items),
    }


def _time_unknown(found: BasePlan, wish: Wish) -> str | None:
    if found.time is not None:
        return None
    if wish.tokens is None:
        return "how much data there is was not said: give examples or tokens"
    if not wish.trainer.devices:
        return "no accelerator is known: training on a processor is not estimated"
    return "the device's 16-bit rate or the model's work is not known"


def _tunability(wish: Wish) -> Document:
    tables = distil_tables()
    return {
        "tables": [_table(table, wish) for table in tables],
        "best_measured": plan.best_measured(wish),
        "by_size": [*(by_size(table).text for table in tables), *stated_gains()],
        "disagreements": list(disagreements()),
        "reading": "Ranks of one lab's tasks; where the intervals overlap, the models are tied.",
    }


def _table(table: Table, wish: Wish) -> Document:
    document, catalog = table.as_json(), load_catalog()
    room, _ = training_room(wish.trainer)
    for row in document["rows"]:
        model = catalog.by_id.get(row["model_id"].lower())
        row["trains_here"] = None
        if model is not None and (model.params_total is not None or model.architecture is not None):
            ways = ways_of(model, wish.request, room, alike(wish.trainer))
            row["trains_here"] = {way.method: fit_of(way.estimate, room) for way in ways}
    return document


def _caveats(query: FinetuneQuery, wish: Wish, bases: list[BasePlan], notes: list[str]) -> list[str]:
    found = list(dict.fromkeys(notes))
    if query.model is None:
        found.append(
            "Bases stand in the order of `recommend`: expected quality, fit and license, and up to 3 "
            "points for a "
            "measured rank after tuning."
        )
    if not wish.length_said:
        found.append(
            f"Examples of {wish.request.sequence_length:,} tokens are assumed; `plan tokens` plans them."
        )
    if len(wish.trainer.devices) > 1:
        found.append("One device trains, except where ZeRO-3 is named: plain LoRA and QLoRA split no model.")
    if any(each.shown.request.gpus > 1 for each in bases):
        found.append("The links between devices cost time that is not counted: it takes longer than said.")
    if not wish.trainer.devices:
        found.append(
            "No accelerator is known on the training machine: the memory is held against system memory."
        )
    other = sorted({device.kind for device in wish.trainer.devices} - {"cuda"})
    if other:
        found.append(
            f"Training was measured on NVIDIA cards: on {' and '.join(other)} other libraries do it "
            "(MLX on Apple), "
            "and what they take may differ."
        )
    if wish.rubric is not None and wish.rubric.verdict == "above":
        found.append(
            "The base already passes: every figure below is for the case that you train all the same."
        )
    for each in bases:
        if not each.logits["vocabulary_known"]:
            found.append(f"The vocabulary of {each.model.name} is not known; usual proportions are assumed.")
    slow = slow_rate(wish.trainer)
    if slow is not None and wish.tokens is not None:
        found.append(
            f"Only the rate outside the tensor cores is known of {slow}: training may take much less time."
        )
    found.append("Memory and time are estimates: run one step at full length before you rely on them.")
    return found


def _basis(bases: list[BasePlan]) -> list[Evidence]:
    found = list(plan_guides("finetune")[:2])
    found += [table.evidence for table in distil_tables()]
    for each in bases:
        found += each.shown.estimate.basis
        found += each.time.basis if each.time is not None else ()
    found.append(Evidence("tool", "interval of a pass rate", "Wilson 1927"))
    return list(dict.fromkeys(found))


def _nothing(rejected: list[Rejected]) -> dict[str, str]:
    first = rejected[0] if rejected else None
    why = f": {first.model} {first.reason}" if first is not None else ""
    return {
        "code": "nothing_fits",
        "message": f"No base trains and runs on this hardware{why}.",
        "hint": "Shorten the examples, use QLoRA, or name a larger (or rented) machine to train on.",
    }
