"""The key of a machine, memory by NVML, and measurement beside estimate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from knowledge.catalog.store import load_catalog
from knowledge.measured_here import MeasuredRun, Point, Range
from tools.hardware import read_hardware
from tools.hardware_probe import Probe
from tools.hardware_types import Device, Machine
from tools.measuring import memory
from tools.measuring.asking import read_address
from tools.measuring.compare import beside_estimates, comparison
from tools.measuring.forecast import OFFERED, forecast
from tools.measuring.machine import machine_key
from tools.measuring.memory import held_by
from tools.measuring.target import Target
from tools.timings import Setting

CARD = Device("RTX 3090", "cuda", 24 << 30, 936.2, free_bytes=20 << 30)
MACHINE = Machine("x", (CARD,), ram_bytes=64 << 30, cpu_cores=16, detected=True)
FAST = Range(low=119, mid=120, high=121)
RUN = MeasuredRun(
    measured_at=datetime(2026, 11, 20, tzinfo=UTC),
    machine="key",
    engine="ollama",
    server="127.0.0.1:11434",
    served_as="llama3:8b",
    model_id="meta-llama/Meta-Llama-3-8B-Instruct",
    quant="Q4_K_M",
    points=(
        Point(
            prompt_tokens=512,
            output_tokens=128,
            parallel=1,
            samples=6,
            first_token_s=Range(low=0.1, mid=0.11, high=0.12),
            prompt_tps=Range(low=4000, mid=4500, high=5000),
            generation_tps=FAST,
        ),
        Point(
            prompt_tokens=512,
            output_tokens=128,
            parallel=4,
            samples=24,
            first_token_s=Range(low=0.1, mid=0.11, high=0.12),
            prompt_tps=Range(low=9000, mid=9500, high=9900),
            generation_tps=FAST,
            total_tps=Range(low=400, mid=420, high=440),
        ),
    ),
)


def test_what_wavers_does_not_change_the_key() -> None:
    key = machine_key(MACHINE)
    less = replace(CARD, free_bytes=1, memory_bytes=(24 << 30) - (90 << 20))
    same = replace(
        MACHINE, devices=(less,), ram_available_bytes=1, disk_free_bytes=2, ram_bytes=(64 << 30) - 99
    )
    assert machine_key(same) == key
    assert len(key) == 16


@pytest.mark.parametrize(
    "other",
    [
        replace(MACHINE, devices=(CARD, CARD)),
        replace(MACHINE, devices=()),
        replace(MACHINE, devices=(replace(CARD, name="RTX 4090"),)),
        replace(MACHINE, ram_bytes=32 << 30),
        replace(MACHINE, ram_bytes=None),
        replace(MACHINE, cpu_cores=8),
    ],
)
def test_another_machine_has_another_key(other: Machine) -> None:
    assert machine_key(other) != machine_key(MACHINE)


def test_devices_in_another_order_are_the_same_machine() -> None:
    other = replace(CARD, name="RTX 4090")
    assert machine_key(replace(MACHINE, devices=(CARD, other))) == machine_key(
        replace(MACHINE, devices=(other, CARD))
    )


@dataclass
class FakeNvml:
    """Two cards; one of them holds the server's process."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=100, free=40 if handle == 0 else 90)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:  # noqa: N802
        held = [SimpleNamespace(pid=7, usedGpuMemory=50), SimpleNamespace(pid=9, usedGpuMemory=5)]
        return held if handle == 0 else [SimpleNamespace(pid=8, usedGpuMemory=None)]


@pytest.mark.parametrize(
    ("pids", "held", "source"), [({7, 8}, 50, "NVML, the server's processes"), (set(), None, None)]
)
def test_memory_of_a_server_is_that_of_its_processes(
    monkeypatch: pytest.MonkeyPatch, pids: set[int], held: int | None, source: str | None
) -> None:
    monkeypatch.setattr(memory, "_listening", lambda port: frozenset(pids))
    target = Target("openai", "m", "h", read_address("127.0.0.1:8080"), local=True)
    found = held_by(target, Probe(nvml=FakeNvml))  # type: ignore[arg-type]
    assert (found.accelerator_bytes, found.source, found.cards_used_bytes) == (held, source, 70)
    assert held_by(replace(target, local=False), Probe(nvml=lambda: None)).cards_used_bytes is None


def test_measurement_and_estimate_stand_side_by_side() -> None:
    machine = read_hardware("RTX 3090").machines[0]
    rows = beside_estimates(RUN, machine)
    assert [(row.quantity, row.point.parallel) for row in rows] == [
        ("generation", 1),
        ("prompt", 1),
        ("generation", 4),
        ("together", 4),
    ]
    assert all(row.estimate is not None for row in rows)
    assert rows[3].estimate is not None
    assert rows[2].estimate is not None
    assert rows[3].estimate.mid == pytest.approx(4 * rows[2].estimate.mid)
    assert rows[0].as_json()["factor"] == pytest.approx(120 / rows[0].estimate.mid, abs=0.01)  # type: ignore[union-attr]


def test_published_rows_are_those_of_the_same_model_and_device() -> None:
    found = comparison(RUN, read_hardware("RTX 3090 24GB").machines[0])
    assert found["published"][0]["quant"] == "Q4_K_M"
    assert {row["quantity"] for row in found["published"]} >= {"generation", "prompt"}
    assert all(row["source"] for row in found["published"])
    assert comparison(RUN, read_hardware("RTX 3060").machines[0])["published"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [({"local": False}, "another computer"), ({"model_id": None}, "catalog"), ({"quant": None}, "format")],
)
def test_what_cannot_be_compared_is_said(change: dict[str, object], words: str) -> None:
    found = comparison(RUN.model_copy(update=change), read_hardware("RTX 3090").machines[0])
    assert words in found["note"]
    assert all(row["estimate"] is None for row in found["speeds"])
    assert all(row["measured"] for row in found["speeds"])


def test_what_is_offered_takes_as_long_as_the_estimate_says() -> None:
    model = load_catalog().model("meta-llama/Meta-Llama-3-8B-Instruct")
    assert model is not None
    setting = Setting("Q4_K_M", "ollama", 8192)
    fast = forecast(OFFERED, model, read_hardware("RTX 4090").machines[0], setting)
    slow = forecast(OFFERED, model, read_hardware("RTX 3060 12GB").machines[0], setting)
    none = forecast(OFFERED, model, read_hardware("CPU only, 32 GB").machines[0], setting)
    assert fast is not None
    assert slow is not None
    assert 1 < fast < slow < none == OFFERED.seconds  # type: ignore[operator]
