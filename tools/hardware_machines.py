"""From drafts to machines: variants of a card, shared memory, and what is assumed where nothing was said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import cast

from knowledge.catalog.records import Accelerator, SystemMemory
from tools.hardware_clusters import Cluster, cluster_of, needs_sxm
from tools.hardware_names import core_name, form_of, is_mobile
from tools.hardware_parts import Card, Draft, is_whole
from tools.hardware_terms import Share, Terms
from tools.hardware_types import Choice, Device, DeviceKind, Machine

GIB = 1 << 30
_TOLERANCE = 0.07
_ALIKE = 1.1
"""Bandwidths within this factor are no difference worth telling."""
_NAME_NOISE = re.compile(r"\b(GeForce|NVIDIA|AMD|Radeon(?= RX)|Instinct|Generation)\s*")
_NAME_SIZE = re.compile(r"(\d+) GB$")
_PARENTHESES = re.compile(r"\s*\([^)]*\)")


def display_name(record: Accelerator) -> str:
    """A card's name as people say it: `RTX 3060 12GB`."""
    return _NAME_SIZE.sub(r"\1GB", _NAME_NOISE.sub("", _PARENTHESES.sub("", record.name)).strip())


def device_of(record: Accelerator, terms: Terms, *, memory_bytes: int | None = None) -> Device:
    """A catalog record as a device; `memory_bytes` replaces the memory as sold."""
    kinds = terms.kinds
    kind = kinds.architectures.get(_PARENTHESES.sub("", record.architecture or "")) or kinds.vendors.get(
        record.vendor, "vulkan"
    )
    if memory_bytes is None:
        memory_bytes = round((record.memory_gb or 0) * GIB)
    return Device(
        name=display_name(record),
        kind=cast("DeviceKind", kind),
        memory_bytes=memory_bytes,
        bandwidth_gbs=record.bandwidth_gbs,
        fp16_tflops=record.fp16_tflops,
        vector_tflops=record.fp16_vector_tflops,
        compute_capability=record.compute_capability,
        unified=is_whole(record),
        datacenter=record.cls in terms.datacenter_classes,
    )


def share_of(record: Accelerator, terms: Terms) -> Share:
    """Which rule says how much of a shared memory the accelerator may hold."""
    if record.vendor == "Apple":
        return terms.unified_share["apple"]
    if record.vendor == "NVIDIA":
        return terms.unified_share["edge" if "jetson" in record.name.lower() else "gb10"]
    return terms.unified_share["apu"]


def shared_bytes(total_gib: float, rule: Share) -> int:
    """Bytes of a shared memory that the accelerator may hold by default."""
    return int(total_gib * GIB * (rule.share_below if total_gib < rule.below_gb else rule.share))


class MachineBuilder:
    """Builds machines and collects what is open."""

    def __init__(
        self, accelerators: Sequence[Accelerator], memories: Sequence[SystemMemory], terms: Terms
    ) -> None:
        self._accelerators = accelerators
        self._memories = {item.name: item for item in memories}
        self._terms = terms
        self._assumptions: list[str] = []
        self.choices: list[Choice] = []
        self.notes: list[str] = []

    def build(self, draft: Draft) -> Machine:
        """One machine."""
        self._assumptions = []
        if (
            not draft.cards
            and not draft.nameless
            and draft.platform
            and draft.platform.chip
            and not draft.no_gpu
        ):
            self._generic_chip(draft)
        devices: list[Device] = []
        for card in draft.cards:
            devices += (
                self._unified(draft, card) if is_whole(card.records[0]) else self._discrete(draft, card)
            )
        for count, gib in draft.nameless:
            devices += [self._nameless(gib)] * count
        if draft.no_gpu and devices and not draft.cards:
            devices = []
        cluster = cluster_of(draft, devices, self._terms, self._assumptions)
        self._board_memory(draft, devices)
        if draft.ram_gib is None and not any(device.unified for device in devices):
            self._assumptions.append("system memory not said, so nothing is planned for it")
        bandwidth = self._ram_bandwidth(draft, devices)
        ram = None if draft.ram_gib is None else round(draft.ram_gib * GIB)
        return Machine(
            name=self._name(draft, cluster),
            devices=tuple(cluster.devices),
            ram_bytes=ram,
            ram_bandwidth_gbs=bandwidth,
            cpu_cores=draft.cores or (draft.platform.cores if draft.platform else None),
            purpose=draft.purpose,
            rented=draft.rented,
            assumptions=tuple(dict.fromkeys((*draft.assumed, *self._assumptions))),
            nodes=cluster.nodes,
            interconnect=cluster.interconnect,
            interconnect_gbs=cluster.interconnect_gbs,
            network=cluster.network,
            network_gbs=cluster.network_gbs,
        )

    # -- discrete cards ----------------------------------------------------------------------------

    def _discrete(self, draft: Draft, card: Card) -> list[Device]:
        laptop = draft.platform is not None and draft.platform.key == "laptop" and not draft.egpu
        if draft.egpu:
            self._assumptions.append(f"{card.quote} taken as an external card, which is a desktop one")
        candidates = self._variants(draft, card, laptop=laptop)
        if card.size_gib is not None:
            candidates = self._of_size(card, candidates)
        record = self._pick(card, candidates)
        if record.count > 1:
            self._assumptions.append(f"{display_name(record)} counted as {record.count} GPUs")
        return [device_of(record, self._terms)] * (card.count * record.count)

    def _variants(self, draft: Draft, card: Card, *, laptop: bool) -> list[Accelerator]:
        """Laptop or desktop version, and the connector that was said."""
        mobile = [record for record in card.records if is_mobile(record)]
        fixed = [record for record in card.records if not is_mobile(record)]
        if laptop and mobile:
            self._assumptions.append(f"{display_name(mobile[0])} taken as the laptop version")
        candidates = (mobile or fixed) if laptop else (fixed or mobile)
        if card.form is None and needs_sxm(draft, card, self._terms):
            candidates = [record for record in candidates if form_of(record) == "sxm"] or candidates
        if card.form is not None:
            candidates = [record for record in candidates if form_of(record) == card.form] or candidates
        else:
            candidates = [record for record in candidates if form_of(record) != "server"] or candidates
        return candidates

    def _of_size(self, card: Card, candidates: list[Accelerator]) -> list[Accelerator]:
        """The variants with the memory that was said, which may be that of all cards together."""
        size = card.size_gib or 0.0
        for pool in (candidates, card.records):
            fitting = [record for record in pool if _near(record.memory_gb, size)]
            if fitting:
                return [record for record in fitting if record.memory_gb == size] or fitting
        if card.count > 1:
            fitting = [record for record in candidates if _near(record.memory_gb, size / card.count)]
            if fitting:
                self._assumptions.append(f"{size:g} GB understood as all {card.count} cards together")
                return fitting
        known = sorted({record.memory_gb or 0 for record in candidates})
        sizes = " or ".join(f"{gb:g} GB" for gb in known)
        name = core_name(candidates[0])
        self.notes.append(f"{name} has {sizes}, not {size:g} GB; counted with {known[0]:g} GB")
        options = [f"{card.count} x {name} with {gb:g} GB, and {size:g} GB of system memory" for gb in known]
        several = round(size / known[-1]) if known[-1] else 0
        if several > 1 and _near(known[-1] * several, size):
            options.append(f"{several} x {name}, {size:g} GB together")
        options.append(f"another card, with {size:g} GB")
        self.choices.append(Choice(f"{card.quote} with {size:g} GB", tuple(options)))
        return candidates

    def _pick(self, card: Card, candidates: list[Accelerator]) -> Accelerator:
        """One record: memory first (a choice where it differs), then the slower of equal ones."""
        sizes = sorted({record.memory_gb or 0.0 for record in candidates})
        name = core_name(candidates[0])
        if len(sizes) > 1:
            usual = self._terms.usual_memory_gb.sizes.get(name)
            if usual in sizes:
                others = ", ".join(f"{size:g} GB" for size in sizes if size != usual)
                self._assumptions.append(
                    f"{name} taken as the usual {usual:g} GB version (there is one with {others})"
                )
                sizes = [usual]
            else:
                self.choices.append(Choice(card.quote, _labels(candidates, sizes)))
                self._assumptions.append(f"{card.quote} counted with {sizes[0]:g} GB, the smallest version")
        same = [record for record in candidates if (record.memory_gb or 0.0) == sizes[0]]
        chosen = _representative(same)
        fastest = max(record.bandwidth_gbs or 0.0 for record in same)
        if fastest > _ALIKE * (chosen.bandwidth_gbs or fastest):
            self._assumptions.append(f"{card.quote} taken as {display_name(chosen)}, the slower version")
        return chosen

    def _nameless(self, gib: float) -> Device:
        """A card of which only the size is known: the slowest common one of that size."""
        pool = [
            record
            for record in self._accelerators
            if not record.unified
            and record.bandwidth_gbs
            and (record.compute_capability or 0) >= 7.5
            and not is_mobile(record)
        ]
        same = [record for record in pool if _near(record.memory_gb, gib)]
        if not same:
            self._assumptions.append(
                f"card with {gib:g} GB: no card of that size is known, so its speed is unknown"
            )
            return Device(f"card with {gib:g} GB", "cuda", round(gib * GIB), None)
        slowest = min(same, key=lambda record: record.bandwidth_gbs or 0.0)
        self._assumptions.append(
            f"card with {gib:g} GB assumed NVIDIA and as slow as the {display_name(slowest)}, "
            f"{slowest.bandwidth_gbs:g} GB/s"
        )
        return Device(
            f"card with {gib:g} GB",
            "cuda",
            round(gib * GIB),
            slowest.bandwidth_gbs,
            fp16_tflops=slowest.fp16_tflops,
            vector_tflops=slowest.fp16_vector_tflops,
            compute_capability=slowest.compute_capability,
        )

    # -- shared memory -----------------------------------------------------------------------------

    def _generic_chip(self, draft: Draft) -> None:
        chip = draft.platform.chip if draft.platform else None
        record = next((item for item in self._accelerators if item.name == chip), None)
        if record is None or draft.platform is None:
            return
        self._assumptions.append(f"chip not said: speed counted as on an {record.name}, the slowest")
        generic = record.model_copy(
            update={"name": "Apple silicon", "memory_gb": None, "memory_options_gb": ()}
        )
        draft.cards.append(Card([generic], 1, draft.platform.key, draft.sentence))

    def _unified(self, draft: Draft, card: Card) -> list[Device]:
        record = card.records[0]
        if len(card.records) > 1:
            record = self._by_memory(draft, card)
        record = self._variant(record, draft.gpu_cores)
        total = draft.ram_gib if draft.ram_gib is not None else card.size_gib
        if total is None:
            total = self._unsaid_memory(record, card)
        limit = record.memory_gb
        if limit is not None and total > limit * (1 + _TOLERANCE):
            self.notes.append(
                f"{record.name} comes with at most {limit:g} GB, not {total:g} GB; counted with {limit:g} GB"
            )
            self.choices.append(
                Choice(
                    f"{card.quote} with {total:g} GB", (f"{record.name} with {limit:g} GB", "another chip")
                )
            )
            total = limit
        draft.ram_gib = total
        rule = share_of(record, self._terms)
        size = shared_bytes(total, rule)
        if draft.gpu_share_gib is not None:
            size = round(min(draft.gpu_share_gib, total) * GIB)
        else:
            share = f"{size / GIB:.1f} GiB"
            self._assumptions.append(rule.note.format(share=share, total=f"{total:g} GB"))
        return [device_of(record, self._terms, memory_bytes=size)] * card.count

    def _by_memory(self, draft: Draft, card: Card) -> Accelerator:
        """Boards of one family (`Jetson Orin`), told apart by memory."""
        total = draft.ram_gib if draft.ram_gib is not None else card.size_gib
        ordered = sorted(card.records, key=lambda record: record.memory_gb or 0.0)
        if total is not None:
            return next(
                (record for record in ordered if (record.memory_gb or 0.0) >= total * (1 - _TOLERANCE)),
                ordered[-1],
            )
        self.choices.append(Choice(card.quote, tuple(display_name(record) for record in ordered)))
        return ordered[0]

    def _variant(self, record: Accelerator, gpu_cores: int | None) -> Accelerator:
        for variant in self._terms.apple_variants:
            if variant.name == record.name and variant.gpu_cores == gpu_cores:
                return record.model_copy(update={"bandwidth_gbs": variant.bandwidth_gbs})
        return record

    def _unsaid_memory(self, record: Accelerator, card: Card) -> float:
        options, name = sorted(record.memory_options_gb), display_name(record)
        usual = self._terms.usual_memory_gb.sizes.get(core_name(record))
        if usual is None and len(options) > 1:
            self.choices.append(Choice(card.quote, tuple(f"{name} with {gb:g} GB" for gb in options)))
            self._assumptions.append(
                f"memory not said: counted with {options[0]:g} GB, the least that {name} has"
            )
            return options[0]
        usual = usual or record.memory_gb
        if usual is not None:
            self._assumptions.append(f"memory not said: counted with {usual:g} GB, as it is usually sold")
            return usual
        self.choices.append(Choice(card.quote, tuple(f"{gb} GB" for gb in (8, 16, 24, 32, 64))))
        self._assumptions.append("memory not said: counted with 8 GB, the least that Apple silicon has")
        return 8.0

    # -- system memory -----------------------------------------------------------------------------

    def _ram_bandwidth(self, draft: Draft, devices: list[Device]) -> float | None:
        unified = next((device for device in devices if device.unified), None)
        if unified is not None:
            return unified.bandwidth_gbs
        if draft.ram_gib is None and devices:
            return None
        name = self._memory_class(draft, devices)
        memory = self._memories.get(name)
        if memory is None:
            return None
        amount = f"{draft.ram_gib:g} GB RAM" if draft.ram_gib is not None else "RAM"
        self._assumptions.append(f"{amount} assumed {memory.name}, {memory.bandwidth_gbs:g} GB/s")
        return memory.bandwidth_gbs

    def _board_memory(self, draft: Draft, devices: list[Device]) -> None:
        """Boards and handhelds that come with few sizes get the usual one where none is said."""
        platform = draft.platform
        if draft.ram_gib is not None or devices or platform is None or platform.usual_gb is None:
            return
        draft.ram_gib = platform.usual_gb
        others = ", ".join(f"{size:g}" for size in platform.options_gb if size != platform.usual_gb)
        known = f" (there are versions with {others} GB)" if others else ""
        self._assumptions.append(
            f"memory not said: {platform.key} counted with the usual {platform.usual_gb:g} GB{known}"
        )

    def _memory_class(self, draft: Draft, devices: list[Device]) -> str:
        if draft.cpu is not None and draft.cpu.memory and "channels" in draft.cpu.memory:
            return draft.cpu.memory
        if draft.memory_class is not None:
            return draft.memory_class
        for part in (draft.cpu, draft.platform):
            if part is not None and part.memory:
                return part.memory
        if devices and all(device.datacenter for device in devices):
            return self._terms.datacenter_memory
        return self._terms.default_memory

    def _name(self, draft: Draft, cluster: Cluster) -> str:
        unified = any(device.unified for device in cluster.devices)
        nodes = 1 if unified else cluster.nodes  # three Macs are `3x Apple M2`
        name = self._name_of_one(draft, cluster.devices[: len(cluster.devices) // nodes])
        return name if nodes == 1 else f"{nodes} nodes with {name} each"

    def _name_of_one(self, draft: Draft, devices: list[Device]) -> str:
        parts = [
            name if count == 1 else f"{count}x {name}"
            for name, count in Counter(d.name for d in devices).items()
        ]
        if not parts:
            part = (
                draft.platform
                if draft.platform and not (draft.cpu and draft.platform.key == "desktop")
                else draft.cpu
            )
            parts = [f"{part.key if part else 'computer'} without GPU"]
        if draft.ram_gib is not None and not (any(d.unified for d in devices) and parts[-1].endswith("GB")):
            parts.append(f"{draft.ram_gib:g}GB {'memory' if any(d.unified for d in devices) else 'RAM'}")
        return " + ".join(parts)


def _representative(same: list[Accelerator]) -> Accelerator:
    """Of versions with the same memory: the slowest, or the first in the catalog where they are alike."""
    slowest = min(same, key=lambda record: record.bandwidth_gbs or 0.0)
    first = same[0].bandwidth_gbs or 0.0
    return same[0] if first <= _ALIKE * (slowest.bandwidth_gbs or 0.0) else slowest


def _labels(candidates: list[Accelerator], sizes: list[float]) -> tuple[str, ...]:
    """One option for each size: `RTX 4060 Ti 8GB`, `Quadro RTX 6000 (24 GB)`."""
    ofs = [
        _representative([item for item in candidates if (item.memory_gb or 0.0) == size]) for size in sizes
    ]
    names = [display_name(record) for record in ofs]
    return tuple(
        name if name.endswith("GB") else f"{name} ({size:g} GB)"
        for name, size in zip(names, sizes, strict=True)
    )


def _near(sold: float | None, said: float) -> bool:
    return sold is not None and abs(sold - said) <= _TOLERANCE * sold
