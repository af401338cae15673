"""No claim without evidence, no tag that nobody knows, no command that its program does not document."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import NOWHERE, answer
from tools.candidates import Candidate

KINDS = {"guide", "benchmark", "catalog", "tool", "measurement", "user"}
TASKS = (
    "chat",
    "code",
    "agent",
    "reasoning",
    "rag",
    "summarization",
    "extraction",
    "classification",
    "translation",
    "writing",
    "vision",
    "embedding",
    "reranking",
)
PLACES: tuple[Any, ...] = (
    "RTX 3060 12GB + 32 GB RAM",
    "2x RTX 3090 + 64 GB RAM",
    "M3 Max 64GB",
    "laptop with 16 GB RAM, no GPU",
    "4x H100",
    "RX 7900 XTX",
    "Arc A770 16GB",
)
NEEDS: tuple[dict[str, Any], ...] = (
    {},
    {"license": {"use": "commercial", "permissive_only": True}},
    {"license": {"use": "personal"}, "priority": "speed"},
    {"concurrency": 20, "priority": "quality"},
    {"deployment": {"mode": "either"}, "priority": "cost"},
    {"training": {"method": "qlora"}, "context": 2048},
    {"training": {"method": "scratch"}},
)
# Programs with the subcommands and flags that their documentation lists: Ollama's CLI reference and FAQ;
# llama.cpp's server, quantize and convert READMEs; vLLM's `serve` reference; huggingface_hub's CLI guide;
# pip's user guide; NVIDIA's nvidia-smi manual; the pretraining project's own `train.py` lines.
DOCUMENTED: dict[str, tuple[set[str], set[str]]] = {
    "ollama": ({"serve", "run", "create", "pull"}, {"-f"}),
    "llama-server": (set(), {"-hf", "-m", "-c", "-np", "-fa", "-ctk", "-ctv", "-ngl", "--n-cpu-moe"}),
    "llama-quantize": (set(), set()),
    "vllm": (
        {"serve"},
        {"--max-model-len", "--max-num-seqs", "--quantization", "--tensor-parallel-size"},
    ),
    "hf": ({"download"}, {"--local-dir"}),
    "pip": ({"install"}, set()),
    "nvidia-smi": (set(), {"-l"}),
    "echo": (set(), set()),
    "python": (
        set(),
        {
            "-c",
            "--outfile",
            "--outtype",
            "--config_file",
            "--model_name",
            "--input_file",
            "--max_iters",
        },
    ),
}
VARIABLES = {
    "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_KV_CACHE_TYPE",
    "OLLAMA_NUM_PARALLEL",
}
"""Of Ollama's FAQ."""
CACHES = {"f16", "bf16", "q8_0", "q4_0"}


def _options() -> Iterator[tuple[str, Candidate]]:
    for (number, slots), task in itertools.product(enumerate(NEEDS), TASKS):
        place = PLACES[(number + TASKS.index(task)) % len(PLACES)]
        where = NOWHERE if slots.get("deployment") and task == "chat" else place
        for candidate in answer(task, where, **slots).candidates:
            yield f"{task} {slots} {candidate.model}", candidate
    for place, task in itertools.product(PLACES, ("chat", "code", "rag")):
        for candidate in answer(task, place).candidates:
            yield f"{task} on {place}: {candidate.model}", candidate


@pytest.fixture(scope="module")
def options() -> list[tuple[str, Candidate]]:
    """A wide choice of recommended options, companions included."""
    found = list(_options())
    return found + [(f"{name} beside", item) for name, one in found for item in one.companions]


def test_every_claim_has_evidence(options: list[tuple[str, Candidate]]) -> None:
    assert len(options) > 300
    for name, candidate in options:
        assert candidate.why, name
        for reason in candidate.why:
            assert reason.text.strip(), name
            assert reason.evidence, (name, reason.text)
            for evidence in reason.evidence:
                assert evidence.kind in KINDS, (name, reason.text)
                assert evidence.source.strip(), (name, reason.text)
                if evidence.kind == "guide":
                    assert re.fullmatch(r"[\w.-]+\.md#.+:\d+-\d+", evidence.locator), evidence.locator


def test_guides_that_are_cited_hold_the_lines(options: list[tuple[str, Candidate]]) -> None:
    from importlib import resources

    cited = {e.locator for _, c in options for r in c.why for e in r.evidence if e.kind == "guide"}
    assert len(cited) > 8
    for locator in cited:
        file, _, rest = locator.partition("#")
        first, last = (int(n) for n in rest.rsplit(":", 1)[1].split("-"))
        lines = resources.files("knowledge").joinpath("guides", file).read_text(encoding="utf-8").split("\n")
        assert 1 <= first <= last <= len(lines), locator
        assert any(line.strip() for line in lines[first - 1 : last]), locator


def test_every_local_option_can_be_run(options: list[tuple[str, Candidate]]) -> None:
    for name, candidate in options:
        assert candidate.commands, name


def test_names_for_ollama_are_known(options: list[tuple[str, Candidate]]) -> None:
    tags = {m.ollama_tag for m in load_catalog().models if m.ollama_tag and ":" in m.ollama_tag}
    repositories = {m.gguf_repo for m in load_catalog().models if m.gguf_repo}
    quants = set(load_catalog().quantizations)
    seen = set()
    for name, candidate in options:
        lines = [shlex.split(command.shell) for command in candidate.commands]
        made = {words[words.index("create") + 1] for words in lines if "create" in words}
        for words in lines:
            if words[:2] != ["ollama", "run"]:
                continue
            (model,) = words[2:]
            repository, _, quant = model.removeprefix("hf.co/").rpartition(":")
            known = model in tags or model in made or (repository in repositories and quant in quants)
            assert known, (name, model)
            seen.add(model.startswith("hf.co/"))
    assert seen == {True, False}


def test_commands_are_as_their_programs_document_them(options: list[tuple[str, Candidate]]) -> None:
    programs = set()
    for name, candidate in options:
        for command in candidate.commands:
            for part in command.shell.split(" && "):
                programs.add(_documented(part, name))
    assert {"ollama", "llama-server", "vllm", "hf", "pip", "python"} <= programs


def _documented(line: str, name: str) -> str:
    words = shlex.split(line)
    while "=" in words[0]:
        variable, _, value = words.pop(0).partition("=")
        assert variable in VARIABLES, (name, line)
        assert value in CACHES or value.isdecimal(), (name, line)
    program, rest = words[0], words[1:]
    assert program in DOCUMENTED, (name, line)
    subcommands, flags = DOCUMENTED[program]
    if subcommands:
        assert rest[0] in subcommands, (name, line)
    if program != "python" or rest[0] != "-c":
        assert {word for word in rest if re.match(r"-{1,2}[A-Za-z]", word)} <= flags, (name, line)
    for flag in ("-ctk", "-ctv"):
        if flag in rest:
            assert rest[rest.index(flag) + 1] in CACHES, (name, line)
    return program


def test_without_an_upload_the_steps_of_a_conversion_are_given(
    options: list[tuple[str, Candidate]],
) -> None:
    for name, candidate in options:
        model = load_catalog().model(str(candidate.model_id))
        c = candidate.configuration
        bare = model is not None and model.gguf_repo is None and not model.ollama_tag
        if not bare or c is None or c.engine not in ("ollama", "llama.cpp"):
            continue
        shells = " ".join(command.shell for command in candidate.commands)
        for step in ("hf download", "convert_hf_to_gguf.py", "llama-quantize"):
            assert step in shells, (name, step)
