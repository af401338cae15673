"""`evaluate`: a person's own scenarios over one or several models."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from knowledge.catalog.api_models import read_price_map
from knowledge.errors import UsageError
from tools.commands.requests import MAX_NAME, Name, Number, Request
from tools.evaluation.document import document_of
from tools.evaluation.forecast import forecast
from tools.evaluation.journal import FILE, read_journal, run_folder
from tools.evaluation.plan import (
    CONCURRENCY,
    MOST_MODELS,
    MOST_REPEATS,
    SEED,
    Plan,
    Settings,
    endpoint_address,
)
from tools.evaluation.reading import example_names, example_text, path_of, read_rubric
from tools.evaluation.runner import Event, Result, evaluate, result_so_far
from tools.model_calls import client

Document = dict[str, Any]
Watch = Callable[[Event], None]

Endpoint = Annotated[
    Name | None,
    Field(
        description="address of an OpenAI-compatible server that has the models",
        json_schema_extra={"metavar": "URL"},
    ),
]
KeyVariable = Annotated[Name | None, Field(description="environment variable that holds the endpoint's key")]
Judge = Annotated[
    Name | None,
    Field(
        description="model that decides `judge` checks: of Ollama or LiteLLM, or a name at --judge-endpoint",
        json_schema_extra={"metavar": "MODEL"},
    ),
]
JudgeEndpoint = Annotated[
    Name | None,
    Field(
        description="address of an OpenAI-compatible server that has the judge; it may be that of --endpoint",
        json_schema_extra={"metavar": "URL"},
    ),
]
JudgeKey = Annotated[
    Name | None, Field(description="environment variable that holds the key of the judge's endpoint")
]
Repeats = Annotated[int, Number, Field(ge=1, le=MOST_REPEATS, description="runs of each scenario")]
AtOnce = Annotated[int, Number, Field(ge=1, le=64, description="requests at once for each provider")]
PerMinute = Annotated[
    Annotated[float, Number, Field(gt=0, le=1e6, allow_inf_nan=False)] | None,
    Field(description="at most, for each provider"),
]


class EvaluateQuery(Request):
    """Request of `evaluate`."""

    models: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_NAME)], ...], Field(max_length=MOST_MODELS)
    ] = Field((), description="ollama_chat/NAME, any LiteLLM model, or names at --endpoint")
    rubric: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None,
        description="file with the scenarios (.yaml or .jsonl), or the name of an example",
        json_schema_extra={"metavar": "FILE"},
    )
    endpoint: Endpoint = None
    key_variable: KeyVariable = None
    judge: Judge = None
    judge_endpoint: JudgeEndpoint = None
    judge_key_variable: JudgeKey = None
    repeats: Repeats = 1
    temperature: Annotated[float, Number, Field(ge=0, le=2, allow_inf_nan=False)] = Field(
        0.0, description="of the models under test"
    )
    seed: Annotated[int, Number, Field(ge=0, le=2**31 - 1 - MOST_REPEATS)] = Field(
        SEED, description="of the first repeat; each later one has the next"
    )
    thinking: bool = Field(False, description="let local models reason that can leave it out")
    max_cost: Annotated[float, Number, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None,
        description="dollars that the whole run may cost; it stops before",
        json_schema_extra={"metavar": "USD"},
    )
    concurrency: AtOnce = CONCURRENCY
    requests_per_minute: PerMinute = None
    output: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...], Field(max_length=10)
    ] = Field(
        (),
        description="also write the report to a file: .md, .html or .json; may be given several times",
        json_schema_extra={"metavar": "FILE"},
    )
    fresh: bool = Field(False, description="run everything again, also what an earlier run has finished")
    dry_run: bool = Field(False, description="only estimate requests, time and cost; nothing is sent")
    copy_to: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None,
        description="write the example that --rubric names to a file of yours, and do nothing else",
        json_schema_extra={"metavar": "FILE"},
    )


def plan_of(query: EvaluateQuery) -> Plan:
    """The plan of a request.

    Raises:
        UsageError: the rubric cannot be read, or the parts do not go together.
    """
    if query.rubric is None:
        raise UsageError(
            "`rubric` is missing.",
            hint=f"Name a file with scenarios, or an example: {', '.join(example_names())}.",
        )
    settings = Settings(
        query.repeats,
        query.temperature,
        query.seed,
        query.thinking,
        query.max_cost,
        query.concurrency,
        query.requests_per_minute,
    )
    endpoint = endpoint_address(query.endpoint) if query.endpoint is not None else None
    models = tuple(query.models) if endpoint is not None else tuple(map(served_name, query.models))
    judge_endpoint = endpoint_address(query.judge_endpoint) if query.judge_endpoint is not None else None
    judge = served_name(query.judge) if query.judge is not None and judge_endpoint is None else query.judge
    judge_variable = query.judge_key_variable or (query.key_variable if judge_endpoint == endpoint else None)
    return Plan(
        read_rubric(query.rubric),
        models,
        settings,
        judge,
        endpoint,
        query.key_variable,
        judge_endpoint,
        judge_variable if judge_endpoint is not None else None,
    )


def served_name(name: str) -> str:
    """A model as LiteLLM takes it: a bare name that is no API model's is one of Ollama's."""
    bare = "/" not in name and not name.isspace() and read_price_map().record(name) is None
    return f"ollama_chat/{name}" if bare else name


def run_evaluation(
    query: EvaluateQuery, watch: Watch | None = None, *, offline: bool = False, folder: Path | None = None
) -> Document:
    """Runs the scenarios, or says what that would take.

    Args:
        query: the request.
        watch: told each event.
        offline: forbids to ask any model.
        folder: the state folder; None for the person's.

    Returns:
        The document of the run; `interrupted` is true where Ctrl+C ended it. Of a dry run, the estimate.

    Raises:
        UsageError: the request or the rubric is wrong, or the network is forbidden.
        AdvisorError: the record cannot be kept.
    """
    if query.copy_to is not None:
        return copy_example(query)
    plan = plan_of(query)
    if query.dry_run:
        return dry_run(plan, folder)
    if offline:
        found = result_so_far(plan, folder)
        if found.complete and not query.fresh:
            return document_of(found)
        raise UsageError(
            "--offline forbids the model servers that `evaluate` needs.",
            hint="Leave --offline away, or use --dry-run. A run that is finished is shown without.",
        )
    try:
        with warnings.catch_warnings():
            # Of a request that Ctrl+C met before LiteLLM had sent it.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            result = asyncio.run(_watched(plan, watch, folder, fresh=query.fresh))
    except KeyboardInterrupt:
        return document_of(result_so_far(plan, folder), interrupted=True)
    return document_of(result)


async def _watched(plan: Plan, watch: Watch | None, folder: Path | None, *, fresh: bool) -> Result:
    try:
        async with aclosing(evaluate(plan, folder, fresh=fresh)) as events:
            async for event in events:
                if isinstance(event, Result):
                    return event
                if watch is not None:
                    watch(event)
    finally:
        await client.close()
    raise AssertionError


def dry_run(plan: Plan, folder: Path | None = None) -> Document:
    """What a run would take, without what is finished already."""
    kept = read_journal(run_folder(plan, folder) / FILE)
    return {
        "rubric": {
            "name": plan.rubric.name,
            "scenarios": len(plan.rubric.scenarios),
            "judged": plan.judged,
            "digest": plan.rubric.digest,
        },
        "settings": plan.as_json(),
        "estimate": forecast(plan, [key for key in plan.work() if key in kept.done]).as_json(),
    }


def copy_example(query: EvaluateQuery) -> Document:
    """Writes an example to a file that is not there yet.

    Raises:
        UsageError: there is no such example, or the file is there or cannot be written.
    """
    name = query.rubric or "classification"
    text = example_text(name)
    target = path_of(query.copy_to or "")
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{target} exists already.", hint="Name another file.") from None
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from None
    return {"example": name, "written": str(target)}
