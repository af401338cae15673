"""What is free on this machine: each detector on outputs as the systems give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.test_hardware_detect import FakeBrokenNvml, FakeNvml, _probe
from tools.hardware import GIB
from tools.hardware_detect import detect_machine

CARD = "sys/class/drm/card0/device"
A100 = ("NVIDIA A100-SXM4-80GB", 80 * GIB, (8, 0))
RTX_3090 = ("NVIDIA GeForce RTX 3090", 24 * GIB, (8, 6))
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               45231.
Pages active:                            892341.
Pages inactive:                          234521.
Pages speculative:                        12345.
Pages throttled:                              0.
Pages wired down:                        456789.
Pages purgeable:                          23456.
"Translation faults":                  98765432.
"""
SYSCTL = "machdep.cpu.brand_string: Apple M2 Pro\nhw.memsize: 34359738368\nhw.physicalcpu: 10\n"


# -- NVIDIA ------------------------------------------------------------------------------------------


def test_programs_that_hold_much_of_a_card_are_told(tmp_path: Path) -> None:
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeNvml(RTX_3090, held=[15 * GIB, 2 * GIB])))
    assert any("2 programs hold 17.0 GiB of the RTX 3090" in line for line in machine.assumptions)
    quiet = detect_machine(probe=_probe(tmp_path, nvml=FakeNvml(RTX_3090, held=[GIB])))
    assert not any("hold" in line for line in quiet.assumptions)


def test_the_largest_mig_instance_counts_with_its_share_of_the_bandwidth(tmp_path: Path) -> None:
    nvml = FakeNvml(A100, instances=[10 * GIB, 40 * GIB, 20 * GIB])
    machine = detect_machine(probe=_probe(tmp_path, nvml=nvml))
    (device,) = machine.devices
    assert device.name == "A100 SXM4 80GB MIG instance"
    assert (device.memory_bytes, device.free_bytes) == (40 * GIB, 40 * GIB - GIB // 8)
    assert device.bandwidth_gbs == pytest.approx(2039 / 2, rel=0.01)
    assert any("3 MIG instances" in line for line in machine.assumptions)


@pytest.mark.parametrize(
    ("card", "driver", "said"),
    [
        (RTX_3090, "470.256.02", "550 or newer"),
        (("NVIDIA GeForce GTX 1080 Ti", 11 * GIB, (6, 1)), "560.35", "570 or newer"),
        (("Tesla K80", 12 * GIB, (3, 7)), "470.256.02", "too old for current engines"),
    ],
)
def test_a_driver_or_card_that_is_too_old_is_told(
    tmp_path: Path, card: tuple[str, int, tuple[int, int]], driver: str, said: str
) -> None:
    machine = detect_machine(probe=_probe(tmp_path, nvml=FakeNvml(card, driver=driver)))
    assert any(said in line for line in machine.assumptions)


def test_nvidia_smi_answers_where_the_library_is_missing(tmp_path: Path) -> None:
    text = "NVIDIA GeForce RTX 3090, 24576, 20123, 8.6\nNVIDIA GeForce GTX 1060 6GB, 6144, 6000, 6.1\n"
    machine = detect_machine(probe=_probe(tmp_path, nvidia_smi=text))
    assert [device.name for device in machine.devices] == ["RTX 3090", "GTX 1060 6GB"]
    assert machine.devices[0].free_bytes == 20123 << 20
    assert machine.devices[1].compute_capability == 6.1


@pytest.mark.parametrize("text", ["No devices were found", "[N/A], [N/A], [N/A], [N/A]", "", "x,y", "a, 5"])
def test_nonsense_of_nvidia_smi_is_no_card(tmp_path: Path, text: str) -> None:
    assert detect_machine(probe=_probe(tmp_path, nvidia_smi=text)).devices == ()


def test_a_broken_library_falls_back_to_what_the_driver_wrote(tmp_path: Path) -> None:
    files = {
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ: 128\n",
        f"{CARD}/vendor": "0x10de",
    }
    machine = detect_machine(probe=_probe(tmp_path, files, nvml=FakeBrokenNvml()))
    assert [(device.name, device.free_bytes) for device in machine.devices] == [("RTX 4090", None)]
    assert any("library does not answer" in line for line in machine.assumptions)
    assert not any("driver does not answer" in line for line in machine.assumptions)


def test_jetson_without_the_library_is_told_by_its_board(tmp_path: Path) -> None:
    files = {"proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0"}
    machine = detect_machine(probe=_probe(tmp_path, files, memory=61 * GIB, arch="aarch64"))
    (device,) = machine.devices
    assert (device.name, device.unified) == ("Jetson AGX Orin 64GB", True)
    assert device.memory_bytes < 61 * GIB


# -- AMD and Intel -----------------------------------------------------------------------------------


def test_an_apu_counts_carve_out_and_mapped_memory_that_is_free(tmp_path: Path) -> None:
    files = {
        f"{CARD}/vendor": "0x1002", f"{CARD}/device": "0x1586",
        f"{CARD}/mem_info_vram_total": str(GIB), f"{CARD}/mem_info_vram_used": str(GIB // 2),
        f"{CARD}/mem_info_gtt_total": str(110 * GIB), f"{CARD}/mem_info_gtt_used": str(10 * GIB),
    }  # fmt: skip
    (device,) = detect_machine(probe=_probe(tmp_path, files, memory=124 * GIB)).devices
    assert (device.memory_bytes, device.free_bytes) == (111 * GIB, 100 * GIB + GIB // 2)


def test_an_amd_card_that_does_not_say_what_is_used(tmp_path: Path) -> None:
    files = {
        f"{CARD}/vendor": "0x1002", f"{CARD}/device": "0x744c", f"{CARD}/mem_info_vram_total": str(24 * GIB),
    }  # fmt: skip
    (device,) = detect_machine(probe=_probe(tmp_path, files)).devices
    assert (device.name, device.memory_bytes, device.free_bytes) == ("RX 7900 XTX", 24 * GIB, None)


def test_intel_card_under_i915_tells_what_is_free(tmp_path: Path) -> None:
    files = {
        f"{CARD}/vendor": "0x8086", f"{CARD}/device": "0x56a0",
        "sys/class/drm/card0/lmem_total_bytes": str(16 * GIB),
        "sys/class/drm/card0/lmem_avail_bytes": str(15 * GIB),
        "sys/class/drm/card0-DP-1/status": "connected",
    }  # fmt: skip
    (device,) = detect_machine(probe=_probe(tmp_path, files)).devices
    assert (device.name, device.memory_bytes, device.free_bytes) == ("Arc A770", 16 * GIB, 15 * GIB)


def test_intel_card_under_xe_tells_its_tiles(tmp_path: Path) -> None:
    files = {
        f"{CARD}/vendor": "0x8086", f"{CARD}/device": "0xffff",
        f"{CARD}/tile0/physical_vram_size_bytes": str(12 * GIB),
        f"{CARD}/tile1/physical_vram_size_bytes": str(12 * GIB),
    }  # fmt: skip
    (device,) = detect_machine(probe=_probe(tmp_path, files)).devices
    assert (device.name, device.memory_bytes, device.free_bytes) == ("Intel GPU", 24 * GIB, None)


# -- Apple -------------------------------------------------------------------------------------------


def test_a_mac_counts_what_is_not_wired(tmp_path: Path) -> None:
    probe = _probe(tmp_path, system="Darwin", arch="arm64", sysctl=lambda names: SYSCTL, vm_stat=VM_STAT)
    machine = detect_machine(probe=probe)
    (device,) = machine.devices
    limit = int(32 * GIB * 2 / 3)
    assert abs(device.memory_bytes - limit) < GIB // 1000
    assert device.free_bytes == device.memory_bytes  # 7 GiB are wired: more than the limit is left
    assert machine.ram_available_bytes == (45231 + 234521 + 12345) * 16384
    pressed = VM_STAT.replace("456789", "1256789")
    probe = _probe(tmp_path, system="Darwin", arch="arm64", sysctl=lambda names: SYSCTL, vm_stat=pressed)
    assert detect_machine(probe=probe).devices[0].free_bytes == 32 * GIB - 1256789 * 16384


@pytest.mark.parametrize(
    "text", ["", "Mach Virtual Memory Statistics:", "page size of 16384 bytes\nPages free: x."]
)
def test_a_mac_that_does_not_tell_its_pages(tmp_path: Path, text: str) -> None:
    probe = _probe(tmp_path, system="Darwin", arch="arm64", sysctl=lambda names: SYSCTL, vm_stat=text)
    machine = detect_machine(probe=probe)
    assert machine.devices[0].free_bytes is None
    assert machine.ram_available_bytes == 40 * GIB


# -- memory and disk ---------------------------------------------------------------------------------


def test_available_memory_is_that_of_the_tightest_group(tmp_path: Path) -> None:
    assert detect_machine(probe=_probe(tmp_path)).ram_available_bytes == 40 * GIB
    files = {
        "proc/self/cgroup": "0::/pod\n", "sys/fs/cgroup/pod/memory.max": str(8 * GIB),
        "sys/fs/cgroup/pod/memory.current": str(5 * GIB),
        "sys/fs/cgroup/pod/memory.stat": f"anon {2 * GIB}\ninactive_file {GIB}\nactive_file 0\n",
    }  # fmt: skip
    assert detect_machine(probe=_probe(tmp_path, files)).ram_available_bytes == 4 * GIB
    old = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(4 * GIB),
        "sys/fs/cgroup/memory/memory.usage_in_bytes": str(3 * GIB),
    }
    assert detect_machine(probe=_probe(tmp_path / "old", old)).ram_available_bytes == GIB
    assert detect_machine(probe=_probe(tmp_path / "none", available=None)).ram_available_bytes is None


def test_the_disk_is_that_of_the_folder_for_models(tmp_path: Path) -> None:
    plain = detect_machine(probe=_probe(tmp_path))
    assert (plain.disk_folder, plain.disk_free_bytes) == (str(tmp_path / "home"), 500 * GIB)
    (tmp_path / "home/.cache/huggingface").mkdir(parents=True)
    assert detect_machine(probe=_probe(tmp_path)).disk_folder == str(tmp_path / "home/.cache/huggingface")
    (tmp_path / "home/.ollama/models").mkdir(parents=True)
    assert detect_machine(probe=_probe(tmp_path)).disk_folder == str(tmp_path / "home/.ollama/models")
    named = detect_machine(probe=_probe(tmp_path, environ={"OLLAMA_MODELS": str(tmp_path / "not/yet/there")}))
    assert named.disk_folder == str(tmp_path / "not/yet/there")
    unknown = detect_machine(probe=_probe(tmp_path, disk_free=None))
    assert unknown.disk_free_bytes is None


def test_what_wavers_does_not_make_another_machine(tmp_path: Path) -> None:
    one = detect_machine(probe=_probe(tmp_path, available=4 * GIB, disk_free=GIB))
    other = detect_machine(probe=_probe(tmp_path, available=5 * GIB, disk_free=2 * GIB))
    assert one == other
    assert hash(one) == hash(other)


def test_this_machine_is_looked_at_once_a_minute() -> None:
    assert detect_machine() is detect_machine()
    assert detect_machine().ram_available_bytes
    assert detect_machine().disk_free_bytes
