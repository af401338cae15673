"""Bytes in sentences: of weights, of memory in use, of caches, of training, of devices."""

from __future__ import annotations

import re
from dataclasses import replace

from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atoms
from knowledge.claims.said import Sighted, models_at, words_around
from knowledge.claims.scene import Around, conditions_at
from knowledge.claims.types import Conditions, Quantity, Subject

_GOES_ON = re.compile(
    r"(?:\s?per token)?(?:[\s,:;(/]|\band\b|\bor\b|\bto\b|\bat \d+K\b|\b\d+K\b|\bin Q\w+|\bwith \d+K\b"
    r"|\(?\bthe older guide says\b|~|\bsays\b)*",
    re.IGNORECASE,
)


_MEMORY_NOUN = re.compile(
    r"(?<![a-z])vram\b|\b(?:GPU|video|unified|system) memory\b|\bmemory\b|\bRAM\b|\btotals?\b", re.IGNORECASE
)


def bytes_said(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    before, behind = words_around(text, amount, atoms)
    models = models_at(text, amount, atoms, around)
    conditions = conditions_at(text, amount.start, amount.end, atoms, around)
    if cues.PER_TOKEN.match(behind):
        small = amount.stated.high < 16e6 and not re.search(r"\breads?\b", before)
        return Sighted(amount, "cache_per_token", models, conditions) if models and small else None
    device = _device_memory(text, amount, atoms)
    if device is not None:
        return Sighted(amount, "device_memory", (device,), Conditions())
    fits = cues.FITS.search(before)
    capacity = cues.CAPACITY_BEHIND.match(text[amount.end :])
    if fits and models:
        if cues.SPILLS.search(text):
            return None
        stated = replace(amount.stated, hedge="at most")
        return Sighted(
            replace(amount, stated=stated),
            "memory",
            models,
            conditions,
            negated=bool(cues.NOT.search(fits["verb"])),
        )
    if (
        capacity
        or _on_card(before)
        or cues.DIFFERENCE_BEHIND.match(text[amount.end :])
        or cues.DIFFERENCE_BEFORE.search(before)
    ):
        return None
    if not models:
        return None
    if re.search(r"\bbuffers?\b|\bscratch\b|\boverhead\b", f"{around.heading} {before}", re.IGNORECASE):
        return None
    if re.search(r"\blogits\b", f"{around.heading} {around.before} {text}", re.IGNORECASE):
        return None
    quantity = _kind_ofbytes_said(f"{around.path} {text}", amount, before, behind, atoms)
    if quantity in ("memory", "file") and cues.TRAINING.search(around.heading):
        quantity = "training_memory" if conditions.method else None
    if quantity in ("memory", "file", "cache") and amount.stated.high < 16e6:
        return None  # parts of a model's memory, of a layer or a token
    if quantity is None:
        return None
    if quantity == "training_memory":
        method = conditions.method or ("full" if re.search(r"\bfull\b", text, re.IGNORECASE) else None)
        return Sighted(amount, quantity, models, replace(conditions, method=method))
    if cues.SPILLS.search(before + behind) and quantity != "cache":
        return None
    return Sighted(amount, quantity, models, conditions)


def continued(text: str, last: Sighted, amount: Amount, seen: Sighted | None, atoms: Atoms) -> Sighted | None:
    """A figure that only goes on with the one before (`240 KiB per token: 1.9 GiB at 8K, 7.5 GiB at 32K`)."""
    if (
        seen is None
        or seen.quantity in (last.quantity, "cache_per_token")
        or last.amount.dimension != "bytes"
    ):
        return seen
    gap = text[last.amount.end : amount.start]
    for atom in atoms.models:
        if last.amount.end <= atom.start and atom.end <= amount.start:
            gap = gap.replace(text[atom.start : atom.end], "")
    if not _GOES_ON.fullmatch(gap) or (last.quantity == "file" and "says" not in gap):
        return seen
    if last.quantity == "cache_per_token":
        return replace(seen, quantity="cache")
    return replace(seen, quantity=last.quantity) if last.quantity in ("file", "memory", "cache") else seen


def _on_card(before: str) -> bool:
    return bool(
        re.search(
            r"\b(?:on|of|with|for|from|at|than|into|beside|and|or)\s(?:a |an |one |the |your |just |only "
            r"|single |about |~)*$",
            before,
            re.IGNORECASE,
        )
    ) and not re.search(
        r"\b(?:size|footprint|total|weights?|file|requirement|need|minimum|peak|cache|takes?|needs?|uses?"
        r"|download) of\s(?:about |~)?$",
        before,
        re.IGNORECASE,
    )


def _kind_ofbytes_said(text: str, amount: Amount, before: str, behind: str, atoms: Atoms) -> Quantity | None:
    if re.match(
        r"^\s?(?:of )?(?:\w+\s)?(?:overhead|runtime|scratch|compute|logits|buffers?|activations?|adapter)\b",
        behind,
        re.I,
    ) or re.search(
        r"\b(?:overhead|runtime|adapter|buffers?|logits|driver|OS|system|context)\s?[(:]?\s?(?:about |~)?$",
        before,
        re.I,
    ):
        return None
    if re.match(r"^\s?model\b", behind):
        return "file"
    tail = re.match(
        r"^\s?(?:of|in|for|on)?\s?(?:the |its |GPU |total |extra |f16 |fp16 |q8_0 |q4_0 |quantized "
        r"|model )*([\w-]+(?:\s[\w-]+)?)",
        behind,
    )
    near = tail[1] if tail else ""
    if atoms.methods or (
        cues.TRAINING.search(before + behind) and not re.search(r"\btrained\b", before + behind)
    ):
        said = re.search(r"LoRA(?! adapter)|fine-?tun|full", before + behind + near, re.IGNORECASE)
        return (
            "training_memory"
            if said and not re.search(r"\badapter|\bruntime\b", before[-24:] + behind[:16], re.IGNORECASE)
            else None
        )
    for quantity, pattern in (
        ("cache", cues.CACHE),
        ("file", cues.FILE),
        ("memory", re.compile(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b|\btotal\b|\bin all\b|\ball\b", re.I)),
    ):
        if pattern.match(near) or (pattern is cues.CACHE and re.match(r"^\s?(?:of )?(?:KV|cache)", behind)):
            return quantity  # type: ignore[return-value]  # the names above are quantities
    last = {
        name: max((m.start() for m in pattern.finditer(before)), default=-1)
        for name, pattern in (("cache", cues.CACHE), ("file", cues.FILE), ("memory", cues.MEMORY))
    }
    if last["cache"] >= 0 and last["cache"] >= last["file"]:
        return "cache"
    if last["file"] >= 0 and not re.search(r"\bVRAM\b|\bGPU memory\b", before[last["file"] :], re.I):
        return "file"
    if last["memory"] >= 0:
        # "needs" alone does not say of what: where caches are the matter and no quantization is named, of the cache.
        noun = re.search(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b|\btotals?\b|\bin all\b", text, re.I)
        return "cache" if not noun and not atoms.quants and cues.CACHE.search(text) else "memory"
    if (
        re.search(
            r"\b(?:is|are|was|weighs?|at|comes (?:in|to)(?: at)?|ends up at|lands at)\s(?:about |around "
            r"|roughly |some |only |just |~)*$",
            before,
            re.I,
        )
        and atoms.quants
    ):
        return "file"
    named = [atom.end for atom in (*atoms.models, *atoms.sizes) if atom.end <= amount.start]
    if named and re.fullmatch(r"[\s:(=~]*(?:about |around )?", text[max(named) : amount.start]):
        told = text[: text.rfind(amount.words)] if amount.words in text else text
        cue = max(
            (
                (m.start(), name)
                for name, pattern in (("cache", cues.CACHE), ("file", cues.FILE), ("memory", _MEMORY_NOUN))
                for m in pattern.finditer(told)
            ),
            default=None,
        )
        if cue is not None:
            return cue[1]  # type: ignore[return-value]  # the names above are quantities
    if re.search(r"(?:\u2192|->|=>|:|=|\()\s?~?$", before) and atoms.quants:
        return "file" if cues.FILE.search(behind) else "memory" if cues.MEMORY.search(text) else "file"
    if cues.CACHE.search(behind[:40]):
        return "cache"
    if cues.FILE.search(behind[:30]):
        return "file"
    return "memory" if re.search(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b", behind[:30], re.I) else None


def _device_memory(text: str, amount: Amount, atoms: Atoms) -> Subject | None:
    """The device whose own memory a figure is: `RTX 3090 (24 GB)`, `the 24 GB RTX 3090`, `RTX 3090 has 24 GB`."""
    for atom in atoms.devices:
        if (
            amount.end <= atom.start
            and re.fullmatch(r"\s?(?:VRAM )?(?:NVIDIA |GeForce )?", text[amount.end : atom.start])
            and atom.count == 1
        ):
            return atom.subject
        if atom.end <= amount.start and atom.count == 1:
            gap = text[atom.end : amount.start]
            if re.fullmatch(
                r"\s?\(\s?|\s(?:card |GPU )?(?:has|have|with|comes with|offers|ships with|carries|features"
                r"|packs|provides|gives you|only has|sports|holds)\s(?:its |about |only |just |exactly "
                r"|a full |~)*",
                gap,
                re.I,
            ):
                return atom.subject
            if re.fullmatch(r"\s|:\s|'s\s|,\s", gap) and re.match(
                r"^\s?(?:of )?(?:VRAM|GDDR|HBM|memory|RAM|unified)|^\s?(?:$|[,;)])", text[amount.end :], re.I
            ):
                return atom.subject
    return None
