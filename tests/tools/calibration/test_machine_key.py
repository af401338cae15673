"""The key under which a machine's measurements are kept."""

from __future__ import annotations

from dataclasses import replace

from tools.hardware_types import Device, Machine, Reserve
from tools.measuring.machine import machine_key

GIB = 1 << 30
CARD = Device("RTX 3090", "cuda", 24 * GIB, 936.0)
SMALL = Device("RTX 3060", "cuda", 12 * GIB, 360.0)
BOX = Machine("box", (CARD, SMALL), ram_bytes=64 * GIB, detected=True)


def test_what_is_free_or_kept_free_and_the_order_do_not_count() -> None:
    busy = replace(CARD, free_bytes=GIB, reserve=Reserve(size_bytes=GIB))
    other = replace(
        BOX, name="called otherwise", devices=(SMALL, busy), ram_available_bytes=GIB, disk_free_bytes=1
    )
    assert machine_key(other) == machine_key(BOX)


def test_other_parts_have_another_key() -> None:
    keys = {
        machine_key(one)
        for one in (
            BOX,
            replace(BOX, devices=(CARD,)),
            replace(BOX, devices=(CARD, CARD)),
            replace(BOX, devices=(replace(CARD, memory_bytes=12 * GIB), SMALL)),
            replace(BOX, ram_bytes=32 * GIB),
            replace(BOX, devices=()),
        )
    }
    assert len(keys) == 6
