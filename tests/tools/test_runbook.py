"""Lines to run: they parse, and they carry the figures of the configuration."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import MACHINES, NOWHERE, answer, box, machine, model
from tools.candidates import Candidate
from tools.fit_model import FitWish, fit_model
from tools.hardware_types import Machine


def _fit(model_id: str, place: Machine, **wish: Any) -> Candidate:
    found = fit_model(model(model_id), place, FitWish(**wish)).candidate
    assert found is not None
    return found


def _check(candidate: Candidate) -> None:
    """Every line is one a shell can read, and says what the configuration says."""
    c = candidate.configuration
    assert c is not None
    for command in candidate.commands:
        assert command.label
        words = shlex.split(command.shell)
        assert words
        assert "{" not in command.shell.replace("[{'role'", "")
        assert "None" not in command.shell
        if words[0] == "llama-server":
            assert words[words.index("-c") + 1] == str(c.context * c.parallel)
            assert c.quant in command.shell
            assert ("-np" in words) is (c.parallel > 1)
            assert ("--n-cpu-moe" in words) is bool(c.cpu_moe_layers)
            assert ("-ngl" in words) is (c.gpu_layers is not None)
            if c.gpu_layers is not None:
                assert words[words.index("-ngl") + 1] == str(c.gpu_layers)
            assert ("-ctk" in words) is (c.kv_cache_type not in ("f16", "bf16"))
        if words[0] == "vllm":
            assert words[words.index("--max-model-len") + 1] == str(c.context)
            assert words[words.index("--max-num-seqs") + 1] == str(c.parallel)
            own = f"./{candidate.model}-{c.quant}"
            assert words[2] == (own if c.quant in ("AWQ", "GPTQ") else candidate.model_id)
        if "OLLAMA_CONTEXT_LENGTH" in command.shell:
            assert f"OLLAMA_CONTEXT_LENGTH={c.context}" in words
            assert (f"OLLAMA_NUM_PARALLEL={c.parallel}" in words) is (c.parallel > 1)
            assert words[-2:] == ["ollama", "serve"]
        if command.shell.startswith("ollama run"):
            _check_ollama(candidate, words[2])


def _check_ollama(candidate: Candidate, name: str) -> None:
    """A tag names its size; a file of the hub names its quantization."""
    assert candidate.configuration is not None
    quant = candidate.configuration.quant
    if name.startswith("hf.co/"):
        assert name.endswith(f":{quant}")
        assert str(model(str(candidate.model_id)).gguf_repo) in name
    else:
        assert re.fullmatch(r"[\w./-]+:[\w.-]+", name), name
        assert quant in ("Q4_K_M", "MXFP4")


@pytest.mark.parametrize("text", MACHINES)
@pytest.mark.parametrize("task", ["chat", "code", "rag", "embedding", "reranking", "classification"])
def test_every_line_of_a_recommendation_runs(task: str, text: str) -> None:
    for candidate in answer(task, text).candidates:
        assert candidate.commands or candidate.configuration is None
        _check(candidate)
        for companion in candidate.companions:
            assert companion.commands
            _check(companion)


@pytest.mark.parametrize(
    "slots", [{"concurrency": 3}, {"concurrency": 20}, {"training": {"method": "qlora"}}]
)
def test_lines_for_several_users_and_for_training(slots: dict[str, Any]) -> None:
    for text in ("RTX 3090 + 64GB RAM", "2x H100 SXM", "M3 Max 64GB"):
        for candidate in answer("chat", text, **slots).candidates:
            assert candidate.commands
            _check(candidate)


def test_training_begins_with_the_weights() -> None:
    for candidate in answer("chat", training={"method": "qlora"}).candidates:
        assert candidate.commands[0].shell == f"hf download {candidate.model_id}"


def test_an_api_line_names_the_key() -> None:
    for candidate in answer("code", NOWHERE).candidates:
        assert candidate.kind == "api"
        line = candidate.commands[0].shell
        assert f"model='{candidate.model_id}'" in line
        compile(shlex.split(line)[2], "line", "exec")


def test_python_lines_are_python() -> None:
    for task in ("embedding", "reranking"):
        lines = [c.shell for c in answer(task).candidates[0].commands if c.shell.startswith("python -c")]
        assert len(lines) == 1
        compile(shlex.split(lines[0])[2], "line", "exec")


def test_offload_and_caches_show_in_the_line() -> None:
    dense = _fit("meta-llama/Llama-3.1-70B-Instruct", box(24, ram=128))
    experts = _fit("openai/gpt-oss-120b", box(24, ram=128))
    quantized = _fit(
        "meta-llama/Llama-3.1-8B-Instruct", box(24), engine="llama.cpp", kv_cache_type="q8_0/q4_0"
    )
    served = _fit("meta-llama/Llama-3.1-8B-Instruct", box(24), engine="ollama", kv_cache_type="q8_0")
    for candidate in (dense, experts, quantized, served):
        _check(candidate)
    assert " -ngl " in dense.commands[-1].shell
    assert " --n-cpu-moe " in experts.commands[0].shell
    assert " -fa on -ctk q8_0 -ctv q4_0" in quantized.commands[0].shell
    assert "OLLAMA_KV_CACHE_TYPE=q8_0" in served.commands[0].shell


def test_tensor_parallel_over_the_devices() -> None:
    found = _fit("Qwen/Qwen3-32B", machine("2x H100 SXM"), engine="vllm", parallel=8)
    assert "--tensor-parallel-size 2" in found.commands[0].shell
    alone = _fit("Qwen/Qwen3-8B", machine("RTX 3090"), engine="vllm", parallel=8)
    assert "tensor-parallel" not in alone.commands[0].shell


def test_no_tag_without_a_size_is_given() -> None:
    """`qwen3.5` is whatever size the library calls its default."""
    bare = [m for m in load_catalog().models if m.ollama_tag and ":" not in m.ollama_tag and m.kind == "chat"]
    place = box(80, ram=128)
    for record in bare[:40]:
        found = fit_model(record, place, FitWish(quant="Q4_K_M", engine="ollama")).candidate
        if found is not None:
            _check(found)
            assert not any(c.shell == f"ollama run {record.ollama_tag}" for c in found.commands)


def test_a_model_without_an_upload_says_how_to_serve_a_file() -> None:
    chat = [m for m in load_catalog().models if m.kind == "chat" and m.gguf_repo is None]
    found = [m for m in chat if m.architecture is not None and m.architecture.arch]
    candidate = fit_model(found[0], box(80, ram=256), FitWish(engine="llama.cpp")).candidate
    if candidate is not None:
        _check(candidate)
        assert any(f"-m {candidate.model}-" in c.shell for c in candidate.commands)


def test_from_scratch_the_line_names_the_configuration() -> None:
    candidate = answer("chat", "RTX 3090", training={"method": "scratch"}).candidates[0]
    name = candidate.extra["config"]["name"]
    assert f"--config_file configs/pretrain/{name}.json" in candidate.commands[0].shell
