"""How this machine is asked: NVIDIA's library, files below `/`, two programs of macOS, psutil.

Reads only what the system tells everyone; a part that does not answer is left out. Tests put in their own.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_PROGRAM_SECONDS = 2.0
_SYSCTL_SECONDS = 0.2
_SMI_FIELDS = "name,memory.total,memory.free,compute_cap"


class MemoryInfo(Protocol):
    """Bytes of a card."""

    total: int
    free: int


class Process(Protocol):
    """A program that holds memory of a card."""

    pid: int
    usedGpuMemory: int | None  # noqa: N815


class Nvml(Protocol):
    """The part of `pynvml` that is used; its functions raise where a card or driver does not answer."""

    def nvmlInit(self) -> None: ...  # noqa: N802
    def nvmlSystemGetDriverVersion(self) -> str | bytes: ...  # noqa: N802
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex(self, index: int) -> object: ...  # noqa: N802
    def nvmlDeviceGetName(self, handle: object) -> str | bytes: ...  # noqa: N802
    def nvmlDeviceGetMemoryInfo(self, handle: object) -> MemoryInfo: ...  # noqa: N802
    def nvmlDeviceGetCudaComputeCapability(self, handle: object) -> tuple[int, int]: ...  # noqa: N802
    def nvmlDeviceGetComputeRunningProcesses(self, handle: object) -> Sequence[Process]: ...  # noqa: N802
    def nvmlDeviceGetMigMode(self, handle: object) -> Sequence[int]: ...  # noqa: N802
    def nvmlDeviceGetMaxMigDeviceCount(self, handle: object) -> int: ...  # noqa: N802
    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: object, index: int) -> object: ...  # noqa: N802


def _nvml() -> Nvml | None:
    with suppress(Exception):  # whatever keeps the library from loading, there is then no card to see
        import pynvml

        library: Nvml = pynvml
        library.nvmlInit()
        return library
    return None


def _output(command: Sequence[str], seconds: float) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        return done.stdout if done.returncode == 0 else ""
    return ""


def _sysctl(names: Sequence[str]) -> str:
    with suppress(
        OSError, subprocess.SubprocessError
    ):  # an unknown name makes its status 1; the others count
        command = ["/usr/sbin/sysctl", *names]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_SYSCTL_SECONDS, check=False
        ).stdout
    return ""


def _vm_stat() -> str:
    return _output(["/usr/bin/vm_stat"], _SYSCTL_SECONDS)


def _nvidia_smi() -> str:
    """One line a card: name, MiB in all, MiB free, compute capability; for where the library is missing."""
    import shutil

    path = shutil.which("nvidia-smi") or "/usr/lib/wsl/lib/nvidia-smi"
    if not Path(path).exists():
        return ""
    return _output([path, f"--query-gpu={_SMI_FIELDS}", "--format=csv,noheader,nounits"], _PROGRAM_SECONDS)


def _memory() -> int | None:
    with suppress(Exception):  # psutil fails in its own ways on unusual systems
        import psutil

        return int(psutil.virtual_memory().total)
    return None


def _available() -> int | None:
    with suppress(Exception):
        import psutil

        return int(psutil.virtual_memory().available)
    return None


def _cores() -> int | None:
    with suppress(Exception):
        import psutil

        return psutil.cpu_count(logical=False) or psutil.cpu_count()
    return None


def _disk_free(folder: Path) -> int | None:
    with suppress(OSError):
        import shutil

        return shutil.disk_usage(folder).free
    return None


@dataclass(frozen=True)
class Probe:
    """Where the answers come from."""

    root: Path = Path("/")
    system: str = platform.system()
    arch: str = platform.machine()
    nvml: Callable[[], Nvml | None] = _nvml
    nvidia_smi: Callable[[], str] = _nvidia_smi
    sysctl: Callable[[Sequence[str]], str] = _sysctl
    vm_stat: Callable[[], str] = _vm_stat
    memory: Callable[[], int | None] = _memory
    available: Callable[[], int | None] = _available
    cores: Callable[[], int | None] = _cores
    disk_free: Callable[[Path], int | None] = _disk_free
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Callable[[], Path] = Path.home

    def text(self, path: str | Path) -> str:
        """A small file's text without its end; empty where it cannot be read."""
        with suppress(OSError, ValueError):
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        return ""

    def number(self, path: str | Path) -> int | None:
        """A file's number; None where there is none."""
        text = self.text(path)
        return int(text) if text.isdigit() else None

    def folders(self, pattern: str) -> list[Path]:
        """The folders that match, below the root, in order."""
        with suppress(OSError):
            return [path.relative_to(self.root) for path in sorted(self.root.glob(pattern))]
        return []
