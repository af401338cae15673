"""This machine against the one that is reckoned with. Imports the hardware tools when it is asked."""

from __future__ import annotations

RAM_TOLERANCE = 0.15
"""A computer sold with 32 GB shows some less, because its graphics take a part."""


def this_machine() -> str:
    """The hardware of this machine in words, for the top line; takes some 0.1 s."""
    from tools.hardware import describe, detect_machine

    return describe(detect_machine())


def is_this_machine(text: str) -> bool:
    """Whether words for a machine name the accelerators that this machine has; True where none is named.

    Memory that was not said, and what of it is free, makes no difference.
    """
    from tools.hardware import detect_machine, read_hardware

    machines = read_hardware(text).machines
    if not machines or machines[0].detected:
        return True
    said, here = machines[0], detect_machine()
    named = sorted(device.name for device in said.per_node)
    if named != sorted(device.name for device in here.per_node) or said.nodes != here.nodes:
        return False
    if named or said.ram_bytes is None or here.ram_bytes is None:
        return True
    return abs(said.ram_bytes - here.ram_bytes) <= RAM_TOLERANCE * here.ram_bytes
