"""Which engine runs which architecture and format on which hardware, and what follows for `fit`."""

from __future__ import annotations

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.memory.helpers import model
from tools.commands.lookups import machine_named
from tools.engine_support import (
    gfx_of,
    runs_architecture,
    runs_format,
    runs_on,
    support_caveats,
)
from tools.engines import options_for
from tools.fit_model import FitWish, fit_model
from tools.hardware_types import Device, Machine

MOE = "Qwen/Qwen3-30B-A3B"


def machine(text: str) -> Machine:
    return machine_named(text)[0]


def unknown_arch(arch: str | None) -> ModelRecord:
    record = model("Qwen/Qwen3-8B")
    assert record.architecture is not None
    return record.model_copy(update={"architecture": record.architecture.model_copy(update={"arch": arch})})


@pytest.mark.parametrize(
    ("engine", "arch", "runs"),
    [
        ("vllm", "qwen3moe", True),
        ("vllm", "gemma4", True),
        ("mlx", "falcon", False),
        ("tgi", "qwen35", None),
        ("vllm", None, None),
    ],
)
def test_architectures(engine: str, arch: str | None, runs: bool | None) -> None:
    assert runs_architecture(engine, unknown_arch(arch)) is runs


@pytest.mark.parametrize(
    ("engine", "hardware", "runs"),
    [
        ("vllm", "RTX 3090", True),
        ("vllm", "GTX 1080 Ti", False),
        ("ollama", "GTX 1080 Ti", True),
        ("vllm", "RX 7900 XTX", True),
        ("vllm", "RX 6800 XT", False),
        ("vllm", "M4 Max 64GB", False),
        ("mlx", "M4 Max 64GB", True),
        ("tensorrt-llm", "Tesla T4", False),
        ("transformers", "RTX 3090", True),
        ("sglang", "MI300X", None),
    ],
)
def test_devices(engine: str, hardware: str, runs: bool | None) -> None:
    assert runs_on(load_catalog().engines[engine], machine(hardware)) is runs


def test_a_device_of_unknown_capability_is_unknown() -> None:
    unknown = Machine("one", (Device("a new card", "cuda", 1 << 34, None),))
    assert runs_on(load_catalog().engines["vllm"], unknown) is None
    assert runs_format("vllm", "FP8", unknown) is None
    assert gfx_of("a new card") is None


@pytest.mark.parametrize(
    ("quant", "hardware", "runs"),
    [
        ("FP8", "RTX 4090", True),
        ("FP8", "RTX 3090", True),
        ("FP8", "V100", False),
        ("AWQ", "V100", False),
        ("GPTQ", "V100", True),
        ("AWQ", "RX 7900 XTX", False),
        ("FP8", "MI300X", True),
        ("FP8", "RX 7900 XTX", False),
        ("NVFP4", "RTX 2080 Ti", False),
    ],
)
def test_formats_of_vllm(quant: str, hardware: str, runs: bool) -> None:
    assert runs_format("vllm", quant, machine(hardware)) is runs


@pytest.mark.parametrize(
    ("engine", "quant", "hardware", "words"),
    [
        ("vllm", "FP8", "RTX 3090", "computed in 16 bits"),
        ("vllm", "AWQ", "V100", "does not compute with AWQ"),
        ("vllm", "BF16", "V100", "older release"),
        ("vllm", "BF16", "GTX 1080 Ti", "does not run on"),
        ("sglang", "BF16", "MI300X", "is not known"),
    ],
)
def test_caveats_say_what_is_known(engine: str, quant: str, hardware: str, words: str) -> None:
    found = support_caveats(model(MOE), engine, quant, machine(hardware))
    assert any(words in caveat for caveat in found)


def test_caveats_on_architectures() -> None:
    assert support_caveats(model(MOE), "vllm", "BF16", None) == ()
    assert support_caveats(model(MOE), "llama.cpp", "Q4_K_M", machine("RTX 3090")) == ()
    assert "is not known" in support_caveats(unknown_arch("brand-new"), "vllm", "BF16", None)[0]
    assert "does not run the falcon" in support_caveats(unknown_arch("falcon"), "mlx", "MLX-4bit", None)[0]
    assert "since release 0.19" in support_caveats(unknown_arch("gemma4"), "vllm", "BF16", None)[0]


@pytest.mark.parametrize(
    "hardware", ["RTX 4090", "RX 7900 XTX", "V100", "GTX 1080 Ti", "M4 Max 64GB", "8x H100"]
)
@pytest.mark.parametrize("parallel", [1, 16])
@pytest.mark.parametrize("engine", [None, "vllm", "mlx", "tensorrt-llm"])
def test_nothing_is_proposed_that_is_known_not_to_run(
    hardware: str, parallel: int, engine: str | None
) -> None:
    where, engines = machine(hardware), load_catalog().engines
    for record in load_catalog().models[::40]:
        for option in options_for(record, where, parallel, engine=engine):
            if option.engine == "transformers":
                continue
            assert runs_on(engines[option.engine], where) is not False
            assert runs_architecture(option.engine, record) is not False
            assert runs_format(option.engine, option.quant, where) is not False


def test_where_a_server_lacks_formats_the_next_engine_is_asked() -> None:
    engines = {option.engine for option in options_for(model(MOE), machine("RX 7900 XTX"), 16)}
    assert engines == {"vllm", "llama.cpp"}
    assert {o.engine for o in options_for(model(MOE), machine("RTX 4090"), 16)} == {"vllm"}


def test_fit_refuses_an_engine_that_does_not_run_there() -> None:
    answer = fit_model(model("Qwen/Qwen3-8B"), machine("GTX 1080 Ti"), FitWish(engine="vllm"))
    assert answer.candidate is None
    assert answer.error is not None
    assert answer.error["code"] == "engine"
