"""`plan tokens`: how long a training conversation may be, and what it costs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from knowledge.catalog.records import ModelRecord
from knowledge.errors import NoAnswerError, UsageError
from tools.candidates import evidence_json
from tools.citing import citation, plan_citations, plan_guides
from tools.commands.facts import with_facts
from tools.commands.lookups import model_named
from tools.commands.requests import Name, Number, Request, Tokens
from tools.memory.generic import is_encoder
from tools.memory.types import Evidence, TrainingMethod
from tools.planning import tokens as plan
from tools.planning.tokens import Budget, Conversation, Totals
from tools.planning.training_work import training_work, utilization

Document = dict[str, Any]
Count = Annotated[int, Number, Field(ge=1, le=1_000_000_000)]
Epochs = Annotated[float, Number, Field(gt=0, le=10_000, allow_inf_nan=False)]
LIMIT = (
    "the practical length per example is about half of the context window",
    "finetune-chat-base.md",
    "Context window 8K, 32K or 128K: how long can a training conversation be",
)


class TokensQuery(Request):
    """Request of `plan tokens`."""

    budget: Tokens | None = Field(
        None, description="tokens that one training example may have (8192, 16k with 1,024 each)"
    )
    model: Name | None = Field(
        None, description="base model: its window gives the budget, its shape the computed cost"
    )
    context: Tokens | None = Field(None, description="context window in tokens, instead of a model's own")
    exchanges: Annotated[int, Number, Field(ge=1, le=100_000)] | None = Field(
        None, description="exchanges wanted in a conversation: tells the budget they need"
    )
    system_tokens: Annotated[int, Number, Field(ge=0, le=10_000_000)] = Field(
        500, description="tokens of the system prompt"
    )
    exchange_tokens: Annotated[int, Number, Field(ge=1, le=10_000_000)] = Field(
        500, description="tokens of one exchange: a user message and its answer"
    )
    buffer_tokens: Annotated[int, Number, Field(ge=0, le=10_000_000)] = Field(
        1000, description="tokens kept for chat template and variation"
    )
    examples: Count | None = Field(None, description="examples in the data set")
    epochs: Epochs = Field(1.0, description="times that each example is seen")
    method: Literal["full", "lora", "qlora"] = Field(
        "qlora",
        description="how it is trained, for the computed cost: full, lora or qlora",
        json_schema_extra={"metavar": "TEXT"},
    )

    @field_validator("method", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value


def plan_tokens(query: TokensQuery) -> Document:
    """The token plan.

    Raises:
        NoAnswerError: the model is not known, its window is not, or nothing fits the budget.
        UsageError: a model that does not generate.
    """
    model, note = (None, "") if query.model is None else model_named(query.model)
    if model is not None and is_encoder(model):
        raise UsageError(f"{model.name} holds no conversations.", hint="Name a model that generates text.")
    window, whose = _window(query, model)
    budget = plan.budget_of(query.budget, window, whose)
    talk = Conversation(query.system_tokens, query.exchange_tokens, query.buffer_tokens)
    if talk.most(budget.tokens) < 1:
        raise NoAnswerError(
            f"Not one exchange of {talk.exchange:,} tokens fits {budget.tokens:,} beside {talk.fixed:,} of "
            "system prompt and buffer.",
            hint="Raise the budget, or shorten system prompt and exchanges.",
            code="budget",
        )
    length = budget.tokens if query.exchanges is None else talk.needed(query.exchanges)
    document: Document = {
        "model": model.name if model else None,
        "model_id": model.id if model else None,
        "budget": _budget(budget),
        "conversation": _conversation(talk, budget),
        "stated_turns": plan.stated_turns(talk, budget.window),
        "wanted": _wanted(talk, query.exchanges, budget),
        "ceiling": _ceiling(budget),
        "cost": _cost(length, model, query.method),
        "data_set": _data_set(query, length, model),
        "worked_example": plan.worked_example(),
        "caveats": _caveats(budget, query, model),
        "basis": [evidence_json(evidence) for evidence in _basis(model)],
        "citations": [*plan_citations("tokens"), citation(*LIMIT)],
    }
    return with_facts(document, model) | ({"note": note} if note else {})


def _window(query: TokensQuery, model: ModelRecord | None) -> tuple[int | None, str]:
    if query.context is not None:
        if model is not None and model.context_length is not None and query.context > model.context_length:
            raise NoAnswerError(
                f"{model.name} reads {model.context_length:,} tokens, not {query.context:,}.",
                hint="Lower `context`, or leave it out.",
                code="context",
            )
        return query.context, "the window"
    if model is None:
        return None, ""
    if model.context_length is None and query.budget is None:
        raise NoAnswerError(
            f"The context window of {model.name} is not known.", hint="Give `context` or `budget`."
        )
    return model.context_length, model.name


def _budget(budget: Budget) -> Document:
    return {
        "tokens": budget.tokens,
        "why": budget.why,
        "window_tokens": budget.window,
        "practical_limit_tokens": budget.limit,
        "within_practical_limit": None if budget.limit is None else budget.tokens <= budget.limit,
        "tokens_per_k": plan.table()["kilo"],
        "tokens_with_k_of_1000": plan.in_thousands(budget.tokens) if budget.tokens % 1024 == 0 else None,
    }


def _conversation(talk: Conversation, budget: Budget) -> Document:
    low, high = talk.recommended(budget.tokens)
    sizes = []
    for each in sorted({*plan.table()["exchange_tokens"], talk.exchange}):
        other = Conversation(talk.system, each, talk.buffer)
        least, most = other.recommended(budget.tokens)
        sizes.append(
            {
                "exchange_tokens": each,
                "exchanges_at_most": other.most(budget.tokens),
                "recommended": {"low": least, "high": most},
            }
        )
    return {
        "system_tokens": talk.system,
        "exchange_tokens": talk.exchange,
        "buffer_tokens": talk.buffer,
        "room_tokens": talk.room(budget.tokens),
        "exchanges_at_most": talk.most(budget.tokens),
        "recommended": {"low": low, "high": high},
        "by_exchange_tokens": sizes,
        "formula": f"({budget.tokens:,} - {talk.system:,} - {talk.buffer:,}) / {talk.exchange:,} = "
        f"{talk.room(budget.tokens) / talk.exchange:.2f}, rounded down; planned for 20/28 to 25/28 of it",
    }


def _wanted(talk: Conversation, exchanges: int | None, budget: Budget) -> Document | None:
    if exchanges is None:
        return None
    need, safe = talk.needed(exchanges), talk.needed_with_margin(exchanges)
    return {
        "exchanges": exchanges,
        "needed_tokens": need,
        "needed_tokens_with_margin": safe,
        "fits_budget": need <= budget.tokens,
        "against_ceiling": plan.against_ceiling(need),
        "with_margin_against_ceiling": plan.against_ceiling(safe),
        "formula": f"{talk.system:,} + {talk.buffer:,} + {exchanges:,} x {talk.exchange:,} = {need:,} tokens",
    }


def _ceiling(budget: Budget) -> Document:
    return {
        "tokens": plan.ceiling(),
        "tokens_with_k_of_1000": plan.in_thousands(plan.ceiling()),
        "budget_is": plan.against_ceiling(budget.tokens),
    }


def _cost(length: int, model: ModelRecord | None, method: TrainingMethod) -> Document:
    work = training_work(model, method, length) if model is not None else None
    return {
        "method": method,
        "unit": "one example of 4,096 tokens",
        "example": plan.cost_of(length, model, method).as_json(),
        "table": [cost.as_json() for cost in plan.cost_table(model, method)],
        "formula": None if work is None else work.words(method, length),
        "operations_per_example": None if work is None else work.total * length,
        "measured": plan.lengthening(),
    }


def _data_set(query: TokensQuery, length: int, model: ModelRecord | None) -> Document | None:
    if query.examples is None:
        return None
    totals = Totals(query.examples, query.epochs, length)
    factor = plan.computed_factor(model, query.method, length) if model is not None else None
    return {
        "examples": query.examples,
        "epochs": query.epochs,
        "tokens_per_example": length,
        "tokens": totals.tokens,
        "cost_in_4k_examples": round(totals.units, 1),
        "computed_cost_in_4k_examples": None
        if factor is None
        else round(totals.units / plan.linear_factor(length) * factor, 1),
    }


def _caveats(budget: Budget, query: TokensQuery, model: ModelRecord | None) -> list[str]:
    found = []
    where = plan.against_ceiling(budget.tokens)
    if where == "above":
        found.append(
            f"{budget.tokens:,} tokens are above the practical ceiling of {plan.ceiling():,}: only for tasks "
            "that are long themselves."
        )
    if where == "between":
        found.append(f"{budget.tokens:,} tokens are above 16K if a K is 1,000, and below if it is 1,024.")
    if budget.limit is not None and budget.tokens > budget.limit:
        found.append(f"The practical limit of this window is about {budget.limit:,} tokens per example.")
    if query.examples is not None:
        found.append(
            "The data set's tokens are the most it can have: every example is counted at full length."
        )
    if model is None:
        found.append("Name a model to have the cost computed with attention's quadratic part.")
    elif training_work(model, query.method, budget.tokens) is None:
        found.append(f"The cost for {model.name} is not computed: neither shape nor parameters are known.")
    found.append("Count your own data with the model's tokenizer: code and many languages take more tokens.")
    return found


def _basis(model: ModelRecord | None) -> list[Evidence]:
    found = list(plan_guides("tokens")[1:4])
    if model is not None:
        found.append(Evidence("catalog", f"window and architecture of {model.id}", model.as_of))
        found.append(Evidence("tool", "operations of training by formula", "arXiv:2001.08361"))
    found.append(Evidence("measurement", utilization("lora").source))
    return found
