"""Holds the conversations of the personas with a scripted model and beside it in guided mode."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from knowledge.wording_counts import WordingCounts, read_counts
from tests.eval.conversation import check, converse, load_personas
from tests.eval.figures_shown import spoken, unshown
from tests.fakes.model_server import FakeOllama
from tests.fakes.scripted_models import STRENGTHS
from tools.model_calls.client import Limits

MODEL = "ollama_chat/fake"
SOME = 5
"""Personas that are talked to where nothing else is said."""


@dataclass
class Strength:
    """How the conversations with one model went."""

    personas: int = 0
    passed: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)
    """What went wrong with the model and not in guided mode."""
    ungrounded: list[str] = field(default_factory=list)
    different: int = 0
    counts: dict[str, WordingCounts] = field(default_factory=dict)


async def hold_with(name: str, personas: list[dict[str, Any]] | None = None) -> Strength:
    """The conversations of some personas with the model of a strength.

    Args:
        name: `good`, `mediocre` or `terrible`.
        personas: as of `personas.yaml`; None for `SOME` of them.
    """
    chosen = load_personas()[:: len(load_personas()) // SOME][:SOME] if personas is None else personas
    result = Strength(personas=len(chosen))
    with FakeOllama(STRENGTHS[name]) as server, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {"OLLAMA_API_BASE": server.url, "LLM_ADVISOR_HOME": folder}
        with patch.dict("os.environ", environment), patch("agent.llm.Limits", _quick):
            for persona in chosen:
                await _one(persona, result)
            result.counts = read_counts(home)
    return result


def _quick(**changes: float) -> Limits:
    """Limits for a server on this machine."""
    return Limits(first=20.0, idle=10.0, total=60.0, **changes)


async def _one(persona: dict[str, Any], result: Strength) -> None:
    guided = await converse(persona)
    held = await converse(persona, MODEL)
    failed = [fault for fault in check(persona, held) if fault not in check(persona, guided)]
    if failed:
        result.failed[persona["id"]] = failed
    result.passed += not failed
    if held.recommendation != guided.recommendation:
        result.different += 1
    sources = [str(guided.log), str(held.recommendation), persona["says"], str(persona["answers"])]
    tools = [str(event) for event in held.log if event["type"] == "tool"]
    strange = unshown(spoken(held.log), [*sources, *tools])
    result.ungrounded += [f"{persona['id']}: {figure}" for figure in sorted(strange)]
