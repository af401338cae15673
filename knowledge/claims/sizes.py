"""Bytes in sentences: of weights, of memory in use, of caches, of training, of devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from knowledge.catalog.store import load_catalog
from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atoms
from knowledge.claims.said import Sighted, models_at, words_around
from knowledge.claims.scene import Around, conditions_at
from knowledge.claims.types import Conditions, Quantity, Stated, Subject

_I = re.IGNORECASE
_LEAST_BYTES = 16e6
"""Below this a figure is of a part: of a layer, a token, a buffer."""
_GOES_ON = re.compile(
    r"(?:\s?per token)?(?:[\s,:;(/]|\band\b|\bor\b|\bto\b|\bat \d+K\b|\b\d+K\b|\bin Q\w+|\bwith \d+K\b"
    r"|\(?\bthe older guide says\b|~|\bsays\b)*",
    _I,
)
_NOUNS: tuple[tuple[Quantity, re.Pattern[str]], ...] = (
    ("cache", cues.CACHE),
    ("file", cues.FILE),
    (
        "memory",
        re.compile(
            r"(?<![a-z])vram\b|\b(?:GPU|video|unified|system) memory\b|\bmemory\b|\bRAM\b|\btotals?\b", _I
        ),
    ),
)
_CUES: tuple[tuple[Quantity, re.Pattern[str]], ...] = (*_NOUNS[:2], ("memory", cues.MEMORY))
_IN_ALL = re.compile(r"\b(?:in )?all\b", _I)
_MEMORY_BEHIND = re.compile(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b", _I)
_MEMORY_SAID = re.compile(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b|\btotals?\b|\bin all\b", _I)
_PART_BEHIND = re.compile(
    r"^\s?(?:of )?(?:\w+\s)?(?:overhead|runtime|scratch|compute|logits|buffers?|activations?|adapter)\b", _I
)
_PART_BEFORE = re.compile(
    r"\b(?:overhead|runtime|adapter|buffers?|logits|driver|OS|system|context)\s?[(:]?\s?(?:about |~)?$", _I
)
_PART_ABOVE = re.compile(r"\bbuffers?\b|\bscratch\b|\boverhead\b", _I)
_LOGITS = re.compile(r"\blogits\b", _I)
_EACH_TOKEN = re.compile(r"\b(?:each|every|one|per|a) (?:further |more )?token\b", _I)
_TAIL = re.compile(
    r"^\s?(?:of|in|for|on)?\s?(?:the |its |GPU |total |extra |f16 |fp16 |q8_0 |q4_0 |quantized |model )*"
    r"([\w-]+(?:\s[\w-]+)?)"
)
_METHOD_SAID = re.compile(r"LoRA(?! adapter)|fine-?tun|full", _I)
_ADAPTER = re.compile(r"\badapter|\bruntime\b", _I)
_IS = re.compile(
    r"\b(?:is|are|was|weighs?|at|comes (?:in|to)(?: at)?|ends up at|lands at)\s"
    r"(?:about |around |roughly |some |only |just |~)*$",
    _I,
)
_ON_CARD = re.compile(
    r"\b(?:on|of|with|for|from|at|than|into|beside|and|or)\s"
    r"(?:a |an |one |the |your |just |only |single |about |~)*$",
    _I,
)
_AMOUNT_OF = re.compile(
    r"\b(?:size|footprint|total|weights?|file|requirement|need|minimum|peak|cache|takes?|needs?|uses?"
    r"|download) of\s(?:about |~)?$",
    _I,
)
_HAS = re.compile(
    r"\s?\(\s?|\s(?:cards? |GPUs? )?(?:has|have|with|comes with|offers|ships with|carries|features|packs"
    r"|provides|gives you|only has|sports|holds)\s(?:its |about |only |just |exactly |a full |~)*",
    _I,
)
_OF_MEMORY = re.compile(r"^\s?(?:of )?(?:VRAM|GDDR|HBM|memory|RAM|unified)|^\s?(?:$|[,;)])", _I)


def bytes_said(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    """What a figure in bytes is of; None where the sentence does not say, or says a difference or a part."""
    before, behind = words_around(text, amount, atoms)
    models = models_at(text, amount, atoms, around)
    conditions = conditions_at(text, amount.start, amount.end, atoms, around)
    if cues.PER_TOKEN.match(behind) or (_EACH_TOKEN.search(before) and amount.stated.high < _LEAST_BYTES):
        small = amount.stated.high < _LEAST_BYTES and not re.search(r"\breads?\b", before)
        return Sighted(amount, "cache_per_token", models, conditions) if models and small else None
    device = _device_memory(text, amount, atoms)
    if device is not None:
        return Sighted(amount, "device_memory", (device,), Conditions())
    if not models:
        return None
    fits = cues.FITS.search(before)
    if fits:
        return _fitting(text, amount, models, conditions, fits["verb"])
    behind_all = text[amount.end :]
    if cues.CAPACITY_BEHIND.match(behind_all) or cues.DIFFERENCE_BEHIND.match(behind_all):
        return None
    if _on_card(before) or cues.DIFFERENCE_BEFORE.search(before):
        return None
    if _PART_ABOVE.search(f"{around.heading} {before}") or _LOGITS.search(
        f"{around.heading} {around.before} {text}"
    ):
        return None
    quantity = _kind(
        f"{around.path} {around.lead} {text}", text[: amount.start], amount, (before, behind), atoms
    )
    if quantity in ("memory", "file") and cues.TRAINING.search(around.heading):
        quantity = "training_memory" if conditions.method else None
    return _settled(text, amount, quantity, models, conditions, before + behind)


def _settled(
    text: str,
    amount: Amount,
    quantity: Quantity | None,
    models: tuple[Subject, ...],
    conditions: Conditions,
    near: str,
) -> Sighted | None:
    if quantity is None or (quantity != "training_memory" and amount.stated.high < _LEAST_BYTES):
        return None
    if quantity == "training_memory":
        method = conditions.method or ("full" if re.search(r"\bfull\b", text, _I) else None)
        return Sighted(amount, quantity, models, replace(conditions, method=method))
    if cues.SPILLS.search(near) and quantity != "cache":
        return None
    return Sighted(amount, quantity, models, conditions)


def _fitting(
    text: str, amount: Amount, models: tuple[Subject, ...], conditions: Conditions, verb: str
) -> Sighted | None:
    """`fits in 24 GB`: use takes no more than that."""
    if cues.SPILLS.search(text):
        return None
    bound = replace(amount, stated=replace(amount.stated, hedge="at most"))
    return Sighted(bound, "memory", models, conditions, negated=bool(cues.NOT.search(verb)))


def device_fits(text: str, atoms: Atoms, around: Around) -> Iterator[Sighted]:
    """`fits on an RTX 4090`: use takes no more than the device has."""
    for atom in atoms.devices:
        lead = re.sub(r"(?:\d+\s?[x\u00d7]?|two|dual|four|eight)\s?$", "", text[: atom.start], flags=_I)
        fits = cues.FITS.search(lead)
        cards = [card for card in load_catalog().accelerators if card.name in atom.subject.ids]
        if fits is None or cues.SPILLS.search(text) or len(cards) != 1 or cards[0].memory_options_gb:
            continue
        size = (cards[0].memory_gb or 0.0) * 1e9 * atom.count
        if not size:
            continue
        stated = Stated(size, size, 0.5e9, "bytes", "at most", (1.0, 1.024**3))
        amount = Amount(atom.start, atom.end, atom.subject.text, stated, "GB")
        models = models_at(text, amount, replace(atoms, amounts=()), around)
        if models:
            conditions = conditions_at(text, atom.start, atom.end, atoms, around)
            negated = bool(cues.NOT.search(fits["verb"]))
            yield Sighted(amount, "memory", models, replace(conditions, devices=()), negated=negated)


def continued(text: str, last: Sighted, amount: Amount, seen: Sighted | None, atoms: Atoms) -> Sighted | None:
    """A figure that only goes on with the one before (`240 KiB per token: 1.9 GiB at 8K, 7.5 GiB at 32K`)."""
    if seen is None or seen.quantity in (last.quantity, "cache_per_token"):
        return seen
    gap = text[last.amount.end : amount.start]
    for atom in atoms.models:
        if last.amount.end <= atom.start and atom.end <= amount.start:
            gap = gap.replace(text[atom.start : atom.end], "")
    if last.amount.dimension != "bytes" or not _GOES_ON.fullmatch(gap):
        return seen
    if last.quantity == "file" and "says" not in gap:
        return seen
    if last.quantity == "cache_per_token":
        return replace(seen, quantity="cache")
    return replace(seen, quantity=last.quantity) if last.quantity in ("file", "memory", "cache") else seen


def _on_card(before: str) -> bool:
    """Whether the words before lead to the size of a card or a machine."""
    return bool(_ON_CARD.search(before)) and not _AMOUNT_OF.search(before)


def _kind(text: str, sentence: str, amount: Amount, near: tuple[str, str], atoms: Atoms) -> Quantity | None:
    """What the words around a figure in bytes make of it.

    Args:
        text: titles and sentence.
        sentence: the sentence up to the figure.
        amount: the figure.
        near: the words right before and behind it.
        atoms: what the sentence names.
    """
    before, behind = near
    if _PART_BEHIND.match(behind) or _PART_BEFORE.search(before):
        return None
    if re.match(r"^\s?model\b", behind):
        return "file"
    tail = _TAIL.match(behind)
    named = tail[1] if tail else ""
    about = before + behind
    if atoms.methods or (cues.TRAINING.search(about) and not re.search(r"\btrained\b", about)):
        said = _METHOD_SAID.search(f"{sentence} {behind} {named}")
        return "training_memory" if said and not _ADAPTER.search(before[-24:] + behind[:16]) else None
    direct = _by_noun(named, behind)
    if direct is not None:
        return direct
    return _by_words_before(text, before, atoms) or _by_label(text, amount, near, atoms)


def _by_noun(named: str, behind: str) -> Quantity | None:
    """The noun right behind a figure: `35 GB of VRAM`."""
    if re.match(r"^\s?(?:of )?(?:KV|cache)", behind):
        return "cache"
    found = next((quantity for quantity, pattern in _NOUNS if pattern.match(named)), None)
    return found or ("memory" if _IN_ALL.match(named) else None)


def _by_words_before(text: str, before: str, atoms: Atoms) -> Quantity | None:
    """The nouns and verbs before a figure: `needs 35 GB`, `weights take 35 GB`."""
    last = {
        quantity: max((m.start() for m in pattern.finditer(before)), default=-1)
        for quantity, pattern in _CUES
    }
    if last["cache"] >= 0 and last["cache"] >= last["file"]:
        return "cache"
    if last["file"] >= 0 and not re.search(r"\bVRAM\b|\bGPU memory\b", before[last["file"] :], _I):
        return "file"
    if last["memory"] >= 0:
        # "needs" alone does not say of what: of a cache, where those are the matter and no format is named.
        bare = not _MEMORY_SAID.search(text) and not atoms.quants
        return "cache" if bare and cues.CACHE.search(text) else "memory"
    return "file" if _IS.search(before) and atoms.quants else None


def _by_label(text: str, amount: Amount, near: tuple[str, str], atoms: Atoms) -> Quantity | None:
    """`Qwen3-4B: 2.5 GB`, `Qwen3-4B (2.5 GB)`: what the titles and the sentence are about."""
    before, behind = near
    names = [atom.end for atom in (*atoms.models, *atoms.sizes) if atom.end <= amount.start]
    start = text.rfind(amount.words)
    gap = text[: max(start, 0)]
    if names and re.search(r"[\w)][\s:(=~]*(?:about |around )?$", gap) and _is_label(atoms, amount, gap):
        found = [(m.start(), quantity) for quantity, pattern in _NOUNS for m in pattern.finditer(gap)]
        if found:
            return max(found)[1]
    if re.search(r"(?:\u2192|->|=>|:|=|\()\s?~?$", before) and atoms.quants:
        return "memory" if cues.MEMORY.search(text) and not cues.FILE.search(behind) else "file"
    if cues.CACHE.search(behind[:40]):
        return "cache"
    if cues.FILE.search(behind[:30]):
        return "file"
    return "memory" if _MEMORY_BEHIND.search(behind[:30]) else None


def _is_label(atoms: Atoms, amount: Amount, gap: str) -> bool:
    """Whether nothing but punctuation stands between the last name and the figure."""
    last = max(
        (atom for atom in (*atoms.models, *atoms.sizes) if atom.end <= amount.start),
        key=lambda atom: atom.end,
    )
    rest = gap[gap.rfind(last.subject.text) + len(last.subject.text) :] if last.subject.text in gap else "x"
    return re.fullmatch(r"[\s:(=~]*(?:about |around )?", rest) is not None


def _device_memory(text: str, amount: Amount, atoms: Atoms) -> Subject | None:
    """The device that a figure is the memory of: `RTX 3090 (24 GB)`, `the 24 GB RTX 3090`."""
    for atom in atoms.devices:
        if atom.count != 1:
            continue
        if amount.end <= atom.start:
            gap = text[amount.end : atom.start]
            if re.fullmatch(r"\s?(?:VRAM )?(?:NVIDIA |GeForce )?", gap):
                return atom.subject
            opens = re.fullmatch(r"with (?:its |a full )?", text[: amount.start], _I)
            if opens and re.fullmatch(
                r"\s(?:of )?(?:VRAM|memory|RAM)[^.;]*, (?:the|an|a) (?:NVIDIA )?", gap, _I
            ):
                return atom.subject
        elif atom.end <= amount.start:
            gap = text[atom.end : amount.start]
            if _HAS.fullmatch(gap):
                return atom.subject
            if re.fullmatch(r"\s|:\s|'s\s|,\s", gap) and _OF_MEMORY.match(text[amount.end :]):
                return atom.subject
    return None
