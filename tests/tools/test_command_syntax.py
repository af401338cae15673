"""Hunts over several hundred recommendations: evidence for every claim, every command documented."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import needs
from tools.candidates import Candidate, Recommendation
from tools.needs import Task
from tools.recommend import recommend
from tools.runbook import commands_for

SYNTAX = json.loads(Path(__file__).with_name("command_syntax.json").read_text(encoding="utf-8"))
KINDS = ("guide", "benchmark", "catalog", "tool", "measurement", "user")
MACHINES = (
    "laptop with 8 GB RAM, no GPU",
    "laptop with 16 GB RAM, no GPU",
    "Raspberry Pi 5 8GB",
    "GTX 1060 6GB",
    "RTX 3060 12GB + 32 GB RAM",
    "RTX 3090 + 64GB RAM",
    "RTX 5090 + RTX 3090",
    "RX 7900 XTX",
    "MacBook Air M2 8GB",
    "M3 Max 64GB",
    "A100 80GB",
    "2x H100 SXM",
    "8x H100 SXM",
)
USES: tuple[dict[str, Any], ...] = (
    {},
    {"license": {"use": "personal"}},
    {"license": {"use": "commercial", "permissive_only": True}},
    {"concurrency": 32},
    {"training": {"method": "qlora"}},
    {"deployment": {"mode": "either"}},
)
TRAINED = ("chat", "code", "extraction")


def _asked(machine: str) -> Iterator[Recommendation]:
    with pytest.MonkeyPatch.context() as patch:
        # Nothing here is about what would change the answer, which takes most of its time.
        patch.setattr("tools.recommend.what_would_change", lambda *_: ())
        yield from _each(machine)


def _each(machine: str) -> Iterator[Recommendation]:
    for task in get_args(Task):
        yield recommend(needs(task, machine))
    for slots in USES[1:]:
        for task in TRAINED:
            yield recommend(needs(task, machine, **slots))


@cache
def _answers(machine: str) -> tuple[Recommendation, ...]:
    found = tuple(_asked(machine))
    assert any(answer.candidates for answer in found), machine
    return found


def _candidates(machine: str) -> Iterator[Candidate]:
    for answer in _answers(machine):
        for candidate in answer.candidates:
            yield candidate
            yield from candidate.companions


def test_the_matrix_is_wide() -> None:
    assert len(MACHINES) * (len(get_args(Task)) + len(USES[1:]) * len(TRAINED)) >= 300


@pytest.mark.parametrize("machine", MACHINES)
def test_every_claim_has_evidence(machine: str) -> None:
    for candidate in _candidates(machine):
        assert candidate.why, candidate.model
        for reason in candidate.why:
            assert reason.text.strip(), candidate.model
            assert reason.evidence, (candidate.model, reason.text)
            for evidence in reason.evidence:
                assert evidence.kind in KINDS
                assert evidence.source.strip(), (candidate.model, reason.text)
                assert evidence.locator.strip(), (candidate.model, reason.text, evidence)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_command_is_documented(machine: str) -> None:
    for candidate in _candidates(machine):
        if candidate.kind == "local" and candidate.role != "pretrain-config" and not candidate.commands:
            assert any("No line to run" in text for text in candidate.caveats), candidate.model
        for command in candidate.commands:
            for part in command.shell.split(" && "):
                _check(part, candidate)


def _check(line: str, candidate: Candidate) -> None:
    words = shlex.split(line)
    set_before = [word.split("=", 1)[0] for word in words if re.match(r"[A-Z_]+=", word)]
    words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
    if ">" in words:
        words = words[: words.index(">")]
    start = next((n for n in (2, 1) if " ".join(words[:n]) in SYNTAX["programs"]), 0)
    assert start, line
    known = SYNTAX["programs"][" ".join(words[:start])]
    assert set(set_before) <= set(known.get("variables", ())), line
    plain, rest = [], iter(words[start:])
    for word in rest:
        option = word.split("=", 1)[0]
        if not word.startswith("-"):
            plain.append(word)
            continue
        assert option in known["options"], (option, line)
        for _ in range(known["options"][option]):
            assert not next(rest).startswith("--"), line
    least, most = known["arguments"]
    assert least <= len(plain) <= most, line
    if words[:2] == ["python", "-c"]:
        _check_python(plain[0])
    if words[:2] == ["ollama", "run"]:
        _check_name(plain[0], candidate)


def _check_python(text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert {name.name for name in node.names} <= set(SYNTAX["modules"][str(node.module)]["names"]), (
                text
            )


def _check_name(name: str, candidate: Candidate) -> None:
    """A known tag with its size, a file of a known repository, or what a line before has made."""
    record = load_catalog().by_id[str(candidate.model_id).lower()]
    c = candidate.configuration
    assert c is not None
    made = [command for command in candidate.commands if f"ollama create {name} " in command.shell]
    if name.startswith("hf.co/"):
        assert name == f"hf.co/{record.gguf_repo}:{c.quant}"
    elif not made:
        assert name == record.ollama_tag
        assert re.fullmatch(r"[\w.-]+:[\w.-]+", name), name


@pytest.mark.parametrize("machine", MACHINES)
def test_a_file_that_nobody_publishes_is_made_first(machine: str) -> None:
    """A line that reads a local file comes after the lines that write it."""
    for candidate in _candidates(machine):
        made: set[str] = set()
        for command in candidate.commands:
            words = shlex.split(command.shell)
            if words[0] in ("llama-server", "llama-quantize", "llama-imatrix"):
                read = [w for w in words[1:-1] if w.endswith(".gguf") and not w.startswith("/")]
                read = read[:1] if words[0] == "llama-quantize" else read
                assert set(read) <= made, command.shell
            if words[:2] == ["vllm", "serve"] and words[2].startswith("./"):
                assert words[2].removeprefix("./") in made, command.shell
            made |= {w for w in words if w.endswith(".gguf")}
            made |= set(re.findall(r"output_dir='([^']+)'", command.shell))


def test_the_served_weights_are_those_of_the_answer() -> None:
    """A format that needs an upload of its own is never served from the plain repository."""
    seen = 0
    for candidate in _candidates("8x H100 SXM"):
        c = candidate.configuration
        serve = [cmd.shell for cmd in candidate.commands if cmd.shell.startswith("vllm serve ")]
        if c is not None and serve and c.quant in ("AWQ", "GPTQ"):
            seen += 1
            assert serve[0].split()[2].endswith(f"-{c.quant}")
    assert seen


@pytest.mark.parametrize("quant", ["Q4_K_M", "IQ2_M", "BF16", "Q8_0"])
@pytest.mark.parametrize("engine", ["llama.cpp", "ollama"])
def test_conversion_steps(quant: str, engine: str) -> None:
    base = next(c for c in _candidates("RTX 3090 + 64GB RAM") if c.configuration is not None)
    unpublished = next(
        m for m in load_catalog().models if not m.gguf_repo and not m.ollama_tag and m.kind == "chat"
    )
    assert base.configuration is not None
    made = replace(
        base,
        model=unpublished.name,
        model_id=unpublished.id,
        configuration=replace(base.configuration, quant=quant, engine=engine),
        extra={},
    )
    lines = [command.shell for command in commands_for(made)]
    assert lines[0] == f"hf download {unpublished.id} --local-dir {unpublished.name}"
    assert lines[1].startswith(f"python convert_hf_to_gguf.py {unpublished.name} --outfile ")
    assert any(line.startswith("llama-quantize") for line in lines) is (quant != "BF16")
    assert any(line.startswith("llama-imatrix") for line in lines) is (quant == "IQ2_M")
    last = f"{unpublished.name}-{quant}.gguf"
    assert any(last in line for line in lines[2:])
    for line in lines:
        for part in line.split(" && "):
            _check(part, replace(made, commands=commands_for(made)))
