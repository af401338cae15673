"""Reads machines from free text (`2x RTX 3090 + 64GB RAM`).

The words are data (`data/hardware_terms.json`), the accelerators come from the catalog. Memory of cards as
sold is counted as GiB (`24 GB` = 24 * 2**30 bytes); what the driver keeps of it is the solver's reserve and
the engine's overhead.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from knowledge.catalog.records import Accelerator, SystemMemory
from knowledge.catalog.store import Catalog, load_catalog
from tools.hardware_drafts import Drafter
from tools.hardware_machines import MachineBuilder
from tools.hardware_names import core_name, phrases_of
from tools.hardware_scan import Scanner
from tools.hardware_slips import read_through
from tools.hardware_terms import load_terms
from tools.hardware_text import Mention
from tools.hardware_types import HardwareReading

_MAX_CHARS = 200_000
_NEAREST = 3


def read_hardware(text: str, catalog: Catalog | None = None) -> HardwareReading:
    """What a text says about machines; never raises for bad text.

    Args:
        text: Any sentence or message; what is not hardware is skipped.
        catalog: Where accelerators and memory classes come from; the bundled one by default.

    Returns:
        The machines in reading order, with what was ambiguous, unknown or assumed.
    """
    if catalog is None:
        return _read(text)
    return read_with(text, catalog.accelerators, catalog.system_memory)


@lru_cache(maxsize=256)
def _read(text: str) -> HardwareReading:
    catalog = load_catalog()  # its accelerators are the bundled ones, whatever models a person adds
    return read_with(text, catalog.accelerators, catalog.system_memory)


def read_with(
    text: str, accelerators: tuple[Accelerator, ...], system_memory: tuple[SystemMemory, ...]
) -> HardwareReading:
    """`read_hardware` on given records."""
    terms = load_terms()
    text, fixes = read_through(text[:_MAX_CHARS], accelerators)
    scanner = Scanner(text, phrases_of(accelerators), terms, accelerators)
    drafter = Drafter(scanner, terms)
    drafts = drafter.run()
    builder = MachineBuilder(accelerators, system_memory, terms)
    read_as = tuple(f"“{wrote}” read as {read}" for wrote, read in fixes)
    built = (builder.build(draft) for draft in drafts)
    machines = tuple(
        dict.fromkeys(
            replace(item, assumptions=(*read_as, *item.assumptions)) if fixes else item for item in built
        )
    )
    gpuless = any(mention.kind == "no_gpu" and mention.key != "cpu" for mention in scanner.mentions)
    bare = text.strip().strip(".!").lower() in terms.nothing
    told = any(machine.devices or machine.ram_bytes or machine.cpu_cores for machine in machines)
    none = bare or (
        gpuless and not told and not any(d.platform or d.cpu for d in drafts) and not drafter.unknown
    )
    notes = [*drafter.notes, *builder.notes]
    notes += [
        _nearest_note(scanner, mention, accelerators)
        for mention in drafter.unknown
        if mention.kind == "unknown"
    ]
    return HardwareReading(
        machines=() if none else machines,
        ambiguous=(*drafter.choices, *builder.choices),
        unknown=tuple(
            dict.fromkeys(
                item.key if item.kind == "unknown" else scanner.quote(item.first, item.last)
                for item in drafter.unknown
            )
        ),
        notes=tuple(dict.fromkeys(notes)),
        none=none,
    )


def _nearest_note(scanner: Scanner, mention: Mention, accelerators: tuple[Accelerator, ...]) -> str:
    names = nearest_accelerators(mention.key, accelerators)
    return f"“{mention.key}” is not in the catalog; nearest: {', '.join(names)}"


def nearest_accelerators(
    name: str, accelerators: tuple[Accelerator, ...], limit: int = _NEAREST
) -> tuple[str, ...]:
    """The known names closest to one that is not known."""
    from rapidfuzz import fuzz, process

    names = tuple(dict.fromkeys(core_name(record) for record in accelerators))
    vendors = load_terms().vendor_words
    bare = " ".join(word for word in name.lower().split() if word not in vendors)
    found = process.extract(bare, names, scorer=fuzz.ratio, limit=limit, processor=str.lower)
    return tuple(choice for choice, _score, _index in found)
