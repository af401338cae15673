"""`evaluate`: a person's own scenarios over models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tools.commands.evaluate import EvaluateQuery, run_evaluation
from tui.evaluation.files import check_outputs, write_reports
from tui.evaluation.progress import Progress
from tui.evaluation.text import evaluation_lines
from tui.invocation import invocation
from tui.output import write_note
from tui.request_command import Face, request_command

HELP = """Run your own scenarios over one or several models, and say how many they pass and how sure that is.

MODELS are ollama_chat/NAME, any LiteLLM model (`openai/gpt-4.1-mini`), or names at the server of --endpoint.
The file of --rubric holds scenarios with checks: exact text, patterns, numbers, JSON Schema, tool calls, or a
written rubric for another model as judge; docs/evaluate.md describes it, and --copy-to writes an example to
start from. The report has the pass rate with its interval, each scenario, the differences between models, and
what the guides say of fine-tuning at such a rate.

An interrupted run is taken up by the same command; nothing that was finished is asked again. A finished one
is shown again without a request, unless --fresh is given.

NETWORK: asks the models that you name, which may cost money: --dry-run estimates it, --max-cost stops before.
The key of --endpoint is in the variable that --key-variable names. --offline refuses.

Exit status 0 where all scenarios were run, 130 after Ctrl+C, 1 where the ceiling of cost ended it, 3 where a
model failed; the document has what was finished until then.
"""
INTERRUPTED, NO_ANSWER, SERVICE = 130, 1, 3
NO_SERVICE = frozenset({"cost", "no_price"})
"""Codes of errors that no service is to blame for."""


def _evaluate(query: EvaluateQuery) -> dict[str, Any]:
    check_outputs(query.output)
    progress = Progress()
    offline = invocation(click.get_current_context()).offline
    try:
        document = run_evaluation(query, progress.show, offline=offline)
    finally:
        progress.end()
    if "run" in document:
        document["written"] = write_reports(document, query.output)
        if document["interrupted"]:
            write_note("Interrupted: what is finished is kept. The same command goes on from there.")
    return document


def exit_status(document: Mapping[str, Any]) -> int:
    """0, or why models were not asked to the end."""
    if document.get("interrupted"):
        return INTERRUPTED
    error = document.get("error")
    if error is None:
        return 0
    return NO_ANSWER if error["code"] in NO_SERVICE else SERVICE


command = request_command(
    Face(
        name="evaluate",
        request=EvaluateQuery,
        answer=_evaluate,
        show=evaluation_lines,
        help=HELP,
        positional="models",
        many=True,
        stdin=False,
        status=exit_status,
    )
)
