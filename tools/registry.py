"""The tools as a language model sees them: few, flat, and the very functions that the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import Field

from knowledge.errors import AdvisorError, UsageError
from tools.commands.added import AddQuery, add_model
from tools.commands.benchmarks import BenchmarksQuery, benchmarks
from tools.commands.compare import CompareQuery, compare
from tools.commands.fit import FitQuery, fit
from tools.commands.memory import MemoryQuery, memory
from tools.commands.plan_cost import PlanCostQuery, cost
from tools.commands.plan_finetune import FinetuneQuery, plan_finetune
from tools.commands.plan_migration import MigrationQuery, plan_migration
from tools.commands.plan_pretrain import PretrainQuery, plan_pretraining
from tools.commands.plan_stack import StackQuery, plan_stack
from tools.commands.plan_tokens import TokensQuery, plan_tokens
from tools.commands.recommend import RecommendQuery, recommend
from tools.commands.requests import MAX_NAME, Name, Request, parse
from tools.commands.search import SearchQuery, search

Document = dict[str, Any]
PULL = "pull_model"
R = TypeVar("R", bound=Request)


class PullQuery(Request):
    """Request of a download into Ollama."""

    model: Name = Field(description="the tag as Ollama's registry has it, such as `qwen3:4b`")


def _in_a_conversation(query: PullQuery) -> Document:
    """A download runs where it can show how far it is and be stopped: see `agent.consent`."""
    raise UsageError(f"{query.model} is downloaded in a conversation only.", hint=f"Say /pull {query.model}.")


@dataclass(frozen=True, slots=True)
class Tool(Generic[R]):
    """One tool: a request model, a function from it to a JSON document, and what a model is told of them."""

    name: str
    description: str
    request: type[R]
    answer: Callable[[R], Document]
    shown: tuple[str, ...]
    """Arguments a model is told of; the request model takes more, but a long list confuses small models."""
    asks: str = ""
    """Of a guarded tool: the question to the person, with its arguments in braces."""
    reason: str = ""
    """Why the person is asked."""

    def parameters(self) -> Document:
        """JSON Schema of the arguments, without references and null alternatives."""
        schema = self.request.model_json_schema()
        required = [name for name in schema.get("required", []) if name in self.shown]
        return {
            "type": "object",
            "properties": {name: _flat(schema["properties"][name]) for name in self.shown},
            "required": required,
            "additionalProperties": False,
        }

    def as_function(self) -> Document:
        """The tool in the form that chat completions take."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters()}
        return {"type": "function", "function": function}

    def run(self, arguments: Mapping[str, object]) -> Document:
        """The answer; what the caller did wrong and what has no answer come back as `{"error": ...}`.

        A null stands for an argument that was not given, as small models write it.
        """
        try:
            return self.answer(
                parse(self.request, {key: value for key, value in arguments.items() if value is not None})
            )
        except AdvisorError as error:
            return {"error": error.as_json()}


def _flat(schema: Mapping[str, Any]) -> Document:
    """One argument's schema: the alternative that is not null, without titles and empty defaults."""
    kept = dict(schema)
    alternatives = [part for part in kept.pop("anyOf", []) if part.get("type") != "null"]
    if alternatives:
        kept = {**alternatives[0], **kept}
    if isinstance(kept.get("items"), Mapping):
        kept["items"] = _flat(kept["items"])
    hidden = {"title", "metavar"} | ({"default"} if kept.get("default") is None else set())
    return {key: value for key, value in kept.items() if key not in hidden}


CONFIGURATION = ("model", "quant", "context", "kv_cache_type", "engine", "parallel", "hardware")
PLAN_COST = (
    "task",
    "hardware",
    "model",
    "api",
    "input_tokens",
    "output_tokens",
    "requests",
    "private",
    "buy",
    "budget",
    "tariff",
)
TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "estimate_memory",
        "Memory in bytes that one model takes in one configuration, in use or (with `train`) in training.",
        MemoryQuery,
        memory,
        (*CONFIGURATION, "train", "sequence_length", "micro_batch_size", "lora_rank"),
    ),
    Tool(
        "fit_model",
        "Whether a model fits a machine, its best quantization, largest context and speed there; without "
        "`model` the largest models that fit, with `find_hardware` the hardware that the model needs.",
        FitQuery,
        fit,
        (*CONFIGURATION, "min_speed", "find_hardware"),
    ),
    Tool(
        "compare_models",
        "Models side by side: memory, speed, shared benchmarks, license and API price.",
        CompareQuery,
        compare,
        ("models", "quant", "context", "hardware"),
    ),
    Tool(
        "lookup_benchmarks",
        "Published benchmark scores of one model with source, date and who ran them.",
        BenchmarksQuery,
        benchmarks,
        ("model", "benchmark"),
    ),
    Tool(
        "search_guides",
        "Passages of the guides on choosing, sizing, running and training models that answer a question.",
        SearchQuery,
        search,
        ("query", "k"),
    ),
    Tool(
        "recommend",
        "The ranked recommendation of models for these needs, with memory, speed, license and reasons.",
        RecommendQuery,
        recommend,
        tuple(RecommendQuery.model_fields),
    ),
    Tool(
        "plan_tokens",
        "How many exchanges a training conversation may have by its token budget or a model's window, the "
        "budget that wanted exchanges need, and the relative training cost.",
        TokensQuery,
        plan_tokens,
        ("budget", "model", "exchanges", "examples", "epochs"),
    ),
    Tool(
        "plan_finetune",
        "Whether fine-tuning is worth it, by which method and on which base, with training memory, logits, "
        "time and a checklist.",
        FinetuneQuery,
        plan_finetune,
        ("model", "hardware", "use_hardware", "base_pass_rate", "scenarios", "sequence_length", "examples"),
    ),
    Tool(
        "plan_migration",
        "The yearly review of a shared base model: requirements, evaluation steps, adapters to retrain and a "
        "calendar with one semester of fallback.",
        MigrationQuery,
        plan_migration,
        ("base", "candidates", "ram", "adapters", "switch_date"),
    ),
    Tool(
        "plan_cost",
        "Dollars a month of a volume on the person's machine, on a rented GPU and behind an API, with the "
        "break-even and a verdict.",
        PlanCostQuery,
        cost,
        PLAN_COST,
    ),
    Tool(
        "plan_pretraining",
        "Plan of training a small GPT from scratch, or of adapting one to a domain: configuration, memory, "
        "batch, learning rate, time and what the scaling laws say.",
        PretrainQuery,
        plan_pretraining,
        ("hardware", "dataset", "use_case", "context", "priority", "iterations", "domain_data"),
    ),
    Tool(
        "plan_retrieval_stack",
        "Plan of generator, embedder and reranker in one memory budget, with the index size and embedding "
        "time of a corpus.",
        StackQuery,
        plan_stack,
        ("hardware", "corpus", "languages", "license", "context", "users", "priority"),
    ),
)

GUARDED: tuple[Tool[Any], ...] = (
    Tool(
        "add_model",
        "Looks up a model that the catalog does not have, by its hub id (`org/name`) or Ollama tag "
        "(`ollama:TAG`), and adds it; only where the person asks for it. The person is asked first.",
        AddQuery,
        add_model,
        ("source",),
        "Shall I look up `{source}` and add it to your models?",
        "it goes over the network and changes your list of models",
    ),
    Tool(
        PULL,
        "Downloads a model into the running Ollama by its tag (`qwen3:4b`); only where the person asks for "
        "the download. The person is asked first.",
        PullQuery,
        _in_a_conversation,
        ("model",),
        "Shall I download `{model}` into Ollama?",
        "it takes gigabytes over the network and on the disk of the Ollama server",
    ),
)
"""Tools with side effects or cost: nothing but a person's yes makes them run."""


@cache
def _by_name() -> dict[str, Tool[Any]]:
    return {tool.name: tool for tool in TOOLS}


def find_tool(name: str) -> Tool[Any]:
    """The tool of a name.

    Raises:
        UsageError: There is none.
    """
    found = _by_name().get(name)
    if found is None:
        raise UsageError(f"There is no tool `{name[:60]}`.", hint=f"Tools: {', '.join(_by_name())}.")
    return found


def run_tool(name: str, arguments: Mapping[str, object]) -> Document:
    """Runs a tool by name; an unknown name comes back as an error document as well."""
    try:
        return find_tool(name).run(arguments)
    except UsageError as error:
        return {"error": error.as_json()}


def run_guarded(name: str, arguments: Mapping[str, object]) -> Document:
    """Runs a guarded tool; only to be called when the person has said yes.

    Raises:
        UsageError: There is none of this name.
    """
    found = next((tool for tool in GUARDED if tool.name == name), None)
    if found is None:
        raise UsageError(f"There is no guarded tool `{name[:60]}`.")
    return found.run(arguments)


def consent_question(name: str, arguments: Mapping[str, object]) -> tuple[str, str]:
    """What a person is asked before a guarded tool runs, and why."""
    tool = next(tool for tool in GUARDED if tool.name == name)
    shown = {key: str(value)[:MAX_NAME].replace("`", "'") for key, value in arguments.items()}
    return tool.asks.format_map(shown), tool.reason


@cache
def functions() -> list[Document]:
    """All tools in the form that chat completions take, without the guarded ones; takes 50 ms at first."""
    return [tool.as_function() for tool in TOOLS]
