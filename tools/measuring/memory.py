"""Memory that a served model takes: by Ollama's own account, or by NVML for the server's process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tools.hardware_probe import Nvml, Probe
from tools.measuring.asking import Questions
from tools.measuring.target import Target, running_row


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes, and who said so."""

    accelerator_bytes: int | None = None
    host_bytes: int | None = None
    source: str | None = None
    cards_used_bytes: int | None = None
    """On all cards, of all programs; NVML."""
    context: int | None = None
    """Of the loaded model, as Ollama states it."""


def held_by(target: Target, probe: Probe | None = None) -> Held:
    """What the model takes now; empty where nobody tells. Takes a second: call it in a thread."""
    if target.address is None:
        return Held()
    library = (probe or Probe()).nvml() if target.local else None
    used = _used(library) if library is not None else None
    if target.kind == "ollama":
        return _by_ollama(target, used)
    if library is None:
        return Held()
    port = urlsplit(target.address.base).port
    mine = _of_processes(library, _listening(port)) if port is not None else None
    return Held(mine, None, "NVML, the server's processes" if mine is not None else None, used)


def _by_ollama(target: Target, used: int | None) -> Held:
    assert target.address is not None
    with Questions(target.address, target.headers) as questions:
        row = running_row(questions, target.served_as)
    size, on_cards, context = (_bytes(row.get(key)) for key in ("size", "size_vram", "context_length"))
    if size is None:
        return Held(cards_used_bytes=used, context=context or None)
    on_cards = min(on_cards or 0, size)
    return Held(on_cards, size - on_cards, "Ollama's ps", used, context or None)


def _bytes(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _used(library: Nvml) -> int | None:
    """Bytes in use on all cards."""
    total = None
    with suppress(Exception):
        for index in range(library.nvmlDeviceGetCount()):
            with suppress(Exception):  # chips that share the system's memory do not report any
                memory = library.nvmlDeviceGetMemoryInfo(library.nvmlDeviceGetHandleByIndex(index))
                total = (total or 0) + int(memory.total) - int(memory.free)
    return total


def _listening(port: int) -> frozenset[int]:
    """The processes that listen on a port, and those that they started; empty where the system hides them."""
    found: set[int] = set()
    with suppress(Exception):  # psutil raises its own errors where it may not look
        import psutil

        for link in psutil.net_connections("tcp"):
            if (
                link.status == psutil.CONN_LISTEN
                and link.pid is not None
                and getattr(link.laddr, "port", None) == port
            ):
                found.add(link.pid)
                found |= {child.pid for child in psutil.Process(link.pid).children(recursive=True)}
    return frozenset(found)


def _of_processes(library: Nvml, pids: frozenset[int]) -> int | None:
    """Bytes that processes hold on all cards; None where none of them is seen there."""
    held: list[int] = []
    with suppress(Exception):
        for index in range(library.nvmlDeviceGetCount()):
            with suppress(Exception):  # a card that fell off the bus must not hide the others
                handle = library.nvmlDeviceGetHandleByIndex(index)
                rows = library.nvmlDeviceGetComputeRunningProcesses(handle)
                held += [row.usedGpuMemory for row in rows if row.pid in pids and row.usedGpuMemory]
    return sum(held) if held else None
