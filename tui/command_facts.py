"""`models`, `gpus`, `hardware`, `benchmarks` and `compare`."""

from __future__ import annotations

from typing import Any

import click

from tools.commands.added import AddQuery, RemoveQuery, add_model, remove_model
from tools.commands.benchmarks import BenchmarksQuery
from tools.commands.benchmarks import benchmarks as answer_benchmarks
from tools.commands.catalog import (
    GpuQuery,
    GpusQuery,
    ModelQuery,
    ModelsQuery,
    list_gpus,
    list_models,
    show_gpu,
    show_model,
)
from tools.commands.compare import CompareQuery
from tools.commands.compare import compare as answer_compare
from tools.commands.hardware import HardwareQuery
from tools.commands.hardware import hardware as answer_hardware
from tui import added_text, command_refresh, facts_text
from tui.invocation import common_options, invocation
from tui.request_command import Face, request_command

compare = request_command(
    Face(
        name="compare",
        request=CompareQuery,
        answer=answer_compare,
        show=facts_text.compare_lines,
        help="Put models side by side: memory, speed, benchmarks, license, price.\n\n"
        "MODELS are two or more names, hub ids, Ollama tags or API models. Prices come from the map inside "
        "the LiteLLM package; nothing goes over the network.",
        positional="models",
        many=True,
    )
)
benchmarks = request_command(
    Face(
        name="benchmarks",
        request=BenchmarksQuery,
        answer=answer_benchmarks,
        show=facts_text.benchmarks_lines,
        help="List the published scores of a model, with source, date and who ran them.",
        positional="model",
    )
)
hardware = request_command(
    Face(
        name="hardware",
        request=HardwareQuery,
        answer=answer_hardware,
        show=facts_text.hardware_lines,
        help="Show what this machine has, or how TEXT (a machine in words) is read.",
        positional="text",
        many=True,
        joined=True,
        why=False,
    )
)


def _group(name: str, text: str, commands: list[click.Command]) -> click.Group:
    return click.Group(
        name,
        commands={str(item.name): item for item in commands},
        params=common_options(),
        help=text,
        no_args_is_help=False,
    )


def _add(query: AddQuery) -> dict[str, Any]:
    return add_model(query, offline=invocation(click.get_current_context()).offline)


models = _group(
    "models",
    "The models that the catalog knows, and those that you added.",
    [
        request_command(
            Face(
                name="list",
                request=ModelsQuery,
                answer=list_models,
                show=facts_text.models_lines,
                help="List models; the options narrow the list.",
                positional="text",
                why=False,
            )
        ),
        request_command(
            Face(
                name="show",
                request=ModelQuery,
                answer=show_model,
                show=facts_text.model_lines,
                help="Show everything known of one model, and where it comes from.",
                positional="model",
            )
        ),
        request_command(
            Face(
                name="add",
                request=AddQuery,
                answer=_add,
                show=added_text.added_lines,
                help="Add a model that the catalog lacks, or your own file of one that it has.\n\n"
                "SOURCE is a GGUF file (any part of a sharded one), ollama:TAG, or a hub id: org/name, or "
                "org/name:Q4_K_M in a GGUF repository. Only the header is read.\n\n"
                "NETWORK: ollama:TAG asks the server at OLLAMA_HOST (by default this machine's port 11434), "
                "a hub id asks huggingface.co (or HF_ENDPOINT), with the token in HF_TOKEN if there is one. "
                "A file needs no network. --offline refuses the other two.",
                positional="source",
                why=False,
            )
        ),
        request_command(
            Face(
                name="remove",
                request=RemoveQuery,
                answer=remove_model,
                show=added_text.removed_lines,
                help="Forget a model that you added; its weights are left alone.",
                positional="model",
                why=False,
            )
        ),
        command_refresh.command,
    ],
)
gpus = _group(
    "gpus",
    "The accelerators that the catalog knows.",
    [
        request_command(
            Face(
                name="list",
                request=GpusQuery,
                answer=list_gpus,
                show=facts_text.gpus_lines,
                help="List accelerators; the options narrow the list.",
                positional="text",
                why=False,
            )
        ),
        request_command(
            Face(
                name="show",
                request=GpuQuery,
                answer=show_gpu,
                show=facts_text.gpu_lines,
                help="Show everything known of one accelerator.",
                positional="gpu",
                many=True,
                joined=True,
                why=False,
            )
        ),
    ],
)
