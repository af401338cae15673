"""What is found out about this machine, with systems that are made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.hardware import GIB, describe
from tools.hardware_detect import Nvml, Probe, detect_machine


@dataclass
class FakeMemory:
    total: int
    free: int


@dataclass
class FakeProcess:
    pid: int
    usedGpuMemory: int | None  # noqa: N815


class FakeNvml:
    """An NVIDIA driver with cards of given names and sizes; a size of None reports no memory."""

    def __init__(
        self,
        *cards: tuple[str, int | None, tuple[int, int]],
        driver: str = "580.95.05",
        held: Sequence[int] = (),
        instances: Sequence[int] = (),
    ) -> None:
        self._cards = cards
        self._driver = driver
        self._held = held
        self._instances = instances

    def nvmlSystemGetDriverVersion(self) -> str | bytes:  # noqa: N802
        return self._driver

    def nvmlDeviceGetComputeRunningProcesses(self, handle: object) -> Sequence[FakeProcess]:  # noqa: N802
        return [FakeProcess(100 + index, size) for index, size in enumerate(self._held)]

    def nvmlDeviceGetMigMode(self, handle: object) -> Sequence[int]:  # noqa: N802
        if not self._instances:
            raise RuntimeError("Not Supported")
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: object) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: object, index: int) -> object:  # noqa: N802
        if index >= len(self._instances):
            raise RuntimeError("Not Found")
        return ("instance", self._instances[index])

    def nvmlInit(self) -> None:  # noqa: N802
        """Nothing to do."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self._cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> object:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: object) -> str | bytes:  # noqa: N802
        assert isinstance(handle, int)
        return self._cards[handle][0].encode()

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> FakeMemory:  # noqa: N802
        if isinstance(handle, tuple):
            return FakeMemory(handle[1], handle[1] - GIB // 8)
        assert isinstance(handle, int)
        size = self._cards[handle][1]
        if size is None:
            raise RuntimeError("Not Supported")
        return FakeMemory(size, size - GIB)

    def nvmlDeviceGetCudaComputeCapability(self, handle: object) -> tuple[int, int]:  # noqa: N802
        assert isinstance(handle, int)
        return self._cards[handle][2]


class FakeBrokenNvml(FakeNvml):
    """A driver that fails when asked."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        raise RuntimeError("Driver/library version mismatch")


def _probe(
    root: Path,
    files: dict[str, str] | None = None,
    *,
    nvml: Nvml | None = None,
    system: str = "Linux",
    arch: str = "x86_64",
    sysctl: Callable[[Sequence[str]], str] = lambda names: "",
    memory: int | None = 64 * GIB,
    available: int | None = 40 * GIB,
    cores: int | None = 8,
    nvidia_smi: str = "",
    vm_stat: str = "",
    environ: dict[str, str] | None = None,
    disk_free: int | None = 500 * GIB,
) -> Probe:
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Probe(
        root=root,
        system=system,
        arch=arch,
        nvml=lambda: nvml,
        sysctl=sysctl,
        memory=lambda: memory,
        available=lambda: available,
        cores=lambda: cores,
        nvidia_smi=lambda: nvidia_smi,
        vm_stat=lambda: vm_stat,
        environ=environ or {},
        home=lambda: root / "home",
        disk_free=lambda folder: disk_free,
    )


def test_nvidia_cards_get_the_catalog_bandwidth_and_the_measured_memory(tmp_path: Path) -> None:
    card = ("NVIDIA GeForce RTX 3090", 25_769_803_776, (8, 6))
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeNvml(card, card)))
    assert [device.name for device in machine.devices] == ["RTX 3090", "RTX 3090"]
    assert machine.devices[0].bandwidth_gbs == 936.2
    assert machine.devices[0].free_bytes == 25_769_803_776 - GIB
    assert machine.detected
    assert describe(machine) == "2 x RTX 3090, 24 GiB, 936 GB/s; 64 GiB RAM; 8 cores"


@pytest.mark.parametrize(
    ("name", "gib", "expected", "bandwidth"),
    [
        ("NVIDIA A100-SXM4-80GB", 80, "A100 SXM4 80GB", 2039),
        ("NVIDIA GeForce RTX 4060 Ti", 16, "RTX 4060 Ti 16GB", 288),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16, "RTX 4090 Mobile", 576),
        ("Tesla T4", 15, "Tesla T4", 320),
        ("NVIDIA L4", 22, "L4", 300),
        ("NVIDIA H100 80GB HBM3", 79.6, "H100 SXM5 80GB", 3350),
        ("NVIDIA RTX 6000 Ada Generation", 48, "RTX 6000 Ada", 960),
        ("NVIDIA Imaginary 9000", 48, "NVIDIA Imaginary 9000", None),
    ],
)
def test_driver_names(tmp_path: Path, name: str, gib: float, expected: str, bandwidth: float | None) -> None:
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeNvml((name, int(gib * GIB), (8, 9)))))
    (device,) = machine.devices
    assert (device.name, device.bandwidth_gbs) == (expected, bandwidth)
    assert device.memory_bytes == int(gib * GIB)
    assert device.compute_capability == 8.9


def test_shared_memory_that_the_driver_does_not_report(tmp_path: Path) -> None:
    machine = detect_machine(
        probe=_probe(tmp_path, nvml=FakeNvml(("NVIDIA GB10", None, (12, 1))), memory=119 * GIB)
    )
    (device,) = machine.devices
    assert device.unified
    assert 100 * GIB < device.memory_bytes <= 119 * GIB


def test_a_broken_driver_is_no_error(tmp_path: Path) -> None:
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeBrokenNvml()))
    assert machine.devices == ()
    assert machine.ram_bytes == 64 * GIB


def test_amd_card_by_sysfs(tmp_path: Path) -> None:
    card = "sys/class/drm/card0/device"
    files = {
        f"{card}/vendor": "0x1002\n", f"{card}/device": "0x744c\n",
        f"{card}/mem_info_vram_total": str(20 * GIB), f"{card}/mem_info_vram_used": str(GIB),
    }  # fmt: skip
    (device,) = detect_machine(probe=_probe(tmp_path, files)).devices
    assert (device.name, device.kind, device.free_bytes) == ("RX 7900 XT", "rocm", 19 * GIB)


def test_integrated_graphics_are_no_accelerators(tmp_path: Path) -> None:
    files = {
        "sys/class/drm/card0/device/vendor": "0x1002", "sys/class/drm/card0/device/device": "0x1638",
        "sys/class/drm/card0/device/mem_info_vram_total": str(GIB // 2),
        "sys/class/drm/card1/device/vendor": "0x8086", "sys/class/drm/card1/device/device": "0x9a49",
    }  # fmt: skip
    assert detect_machine(probe=_probe(tmp_path, files)).devices == ()


def test_strix_halo_counts_what_is_mapped(tmp_path: Path) -> None:
    card = "sys/class/drm/card1/device"
    files = {
        f"{card}/vendor": "0x1002", f"{card}/device": "0x1586",
        f"{card}/mem_info_vram_total": str(GIB), f"{card}/mem_info_gtt_total": str(110 * GIB),
    }  # fmt: skip
    machine = detect_machine(probe=_probe(tmp_path, files, memory=124 * GIB))
    (device,) = machine.devices
    assert device.unified
    assert device.memory_bytes == 111 * GIB
    assert machine.ram_bandwidth_gbs == 256


def test_nvidia_card_without_driver_is_said(tmp_path: Path) -> None:
    machine = detect_machine(probe=_probe(tmp_path, {"sys/class/drm/card0/device/vendor": "0x10de"}))
    assert any("driver does not answer" in line for line in machine.assumptions)


@pytest.mark.parametrize(
    "files",
    [
        {"sys/fs/cgroup/memory.max": str(8 * GIB)},
        {"sys/fs/cgroup/memory/memory.limit_in_bytes": str(8 * GIB)},
        {"proc/self/cgroup": "0::/pod/box\n", "sys/fs/cgroup/pod/memory.max": str(8 * GIB)},
    ],
)
def test_container_limits_count(tmp_path: Path, files: dict[str, str]) -> None:
    machine = detect_machine(probe=_probe(tmp_path, {**files, "sys/fs/cgroup/cpu.max": "150000 100000"}))
    assert machine.ram_bytes == 8 * GIB
    assert machine.cpu_cores == 2
    assert any("container" in line for line in machine.assumptions)


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    machine = detect_machine(probe=_probe(tmp_path, {"sys/fs/cgroup/memory.max": "max"}))
    assert machine.ram_bytes == 64 * GIB


def test_apple_silicon(tmp_path: Path) -> None:
    answers = {
        "machdep.cpu.brand_string": "Apple M3 Max",
        "hw.memsize": str(64 * GIB),
        "hw.physicalcpu": "16",
    }

    def sysctl(names: Sequence[str]) -> str:
        return "\n".join(f"{name}: {answers[name]}" for name in names if name in answers)

    probe = _probe(tmp_path, system="Darwin", arch="arm64", sysctl=sysctl)
    machine = detect_machine(probe=probe)
    (device,) = machine.devices
    assert (device.name, device.kind, device.memory_bytes) == ("Apple M3 Max", "metal", 48 * GIB)
    assert (machine.cpu_cores, machine.ram_bytes, machine.detected) == (16, 64 * GIB, True)
    answers["iogpu.wired_limit_mb"] = "57344"
    assert detect_machine(probe=probe).devices[0].memory_bytes == 56 * GIB
    answers["machdep.cpu.brand_string"] = "Apple M9 Hyper"
    assert detect_machine(probe=probe).devices[0].name == "Apple silicon"


@pytest.mark.parametrize(
    ("files", "cores", "bandwidth"),
    [
        ({"proc/cpuinfo": "model name\t: AMD EPYC 9654 96-Core Processor\n"}, 96, 460.8),
        ({"proc/cpuinfo": "model name\t: AMD EPYC 9654 96-Core Processor\n"}, 2, 51.2),
        ({"proc/cpuinfo": "model name\t: AMD Ryzen 9 7950X 16-Core Processor\n"}, 16, 89.6),
        ({"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, 4, 17.1),
        ({}, 8, 51.2),
    ],
)
def test_memory_class_follows_the_processor(
    tmp_path: Path, files: dict[str, str], cores: int, bandwidth: float
) -> None:
    machine = detect_machine(probe=_probe(tmp_path, files, cores=cores))
    assert machine.ram_bandwidth_gbs == bandwidth
    assert any("assumed" in line for line in machine.assumptions)


def test_nothing_answers(tmp_path: Path) -> None:
    machine = detect_machine(probe=_probe(tmp_path, memory=None, cores=None))
    assert (machine.devices, machine.ram_bytes, machine.cpu_cores) == ((), None, None)
    mac = detect_machine(probe=_probe(tmp_path, system="Darwin", arch="arm64", memory=None))
    assert mac.devices == ()


def test_this_machine_answers() -> None:
    assert detect_machine().ram_bytes


class FakeNvmlWithALostCard(FakeNvml):
    """A driver whose first card fell off the bus."""

    def nvmlDeviceGetHandleByIndex(self, index: int) -> object:  # noqa: N802
        if index == 0:
            raise RuntimeError("GPU is lost")
        return super().nvmlDeviceGetHandleByIndex(index)


def test_a_lost_card_keeps_the_others(tmp_path: Path) -> None:
    card = ("NVIDIA GeForce RTX 3090", 24 * GIB, (8, 6))
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeNvmlWithALostCard(card, card)))
    assert [device.name for device in machine.devices] == ["RTX 3090"]
