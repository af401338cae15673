"""Claims in sentences: each figure with a unit, what it is of, and whom it is said of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atom, Atoms, read_atoms
from knowledge.claims.equations import equations
from knowledge.claims.prices import price_claims
from knowledge.claims.scene import Around, carried, clause_of, conditions_at, subjects_at
from knowledge.claims.types import Claim, Conditions, Quantity, Subject
from knowledge.corpus import Origin

WORTH_READING = re.compile(r"\d|licen[sc]e|commercial|MIT|Apache", re.IGNORECASE)
_DIRECT: dict[str, Quantity] = {
    "layers": "layers",
    "heads": "heads",
    "kv_heads": "kv_heads",
    "dimensions": "dimensions",
    "bits": "bits",
    "bandwidth": "bandwidth",
}
_HAS = re.compile(r"\b(?:has|have|with|of|uses?|using|and|,|:|its)\s(?:only |a |just )?$|[,(:]\s?$", re.IGNORECASE)
_PART = re.compile(r"\b(?:first|last|offload\w*|GPU|remaining|other|every|some|half|per|each|sliding|full|attention|all linear)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"(?:\s?per token)?(?:[\s,:;(/]|\band\b|\bor\b|\bto\b|\bat \d+K\b|\b\d+K\b|\bin Q\w+|\bwith \d+K\b|\(?\bthe older guide says\b|~|\bsays\b)*",
    re.IGNORECASE,
)
_MEMORY_NOUN = re.compile(r"(?<![a-z])vram\b|\b(?:GPU|video|unified|system) memory\b|\bmemory\b|\bRAM\b|\btotals?\b", re.IGNORECASE)
_VOCABULARY = re.compile(r"^[\s-]?(?:tokens?[\s-]|entr(?:y|ies) )?(?:large )?vocab", re.IGNORECASE)
_VOCABULARY_BEFORE = re.compile(r"\bvocabulary (?:size )?(?:of|is|has|:)?\s?(?:about |~)?$", re.IGNORECASE)
_SMALLER = re.compile(r"\b(?:smaller|less|reduction|savings?|shrink\w*|reduc\w+)\b", re.IGNORECASE)


_PARENTHESIS = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence stands."""

    file: str
    origin: Origin
    heading: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Sighted:
    """A figure with what it is taken for."""

    amount: Amount
    quantity: Quantity
    subjects: tuple[Subject, ...]
    conditions: Conditions
    negated: bool = False
    attributed: bool = False
    past: bool = False


def sentence_claims(text: str, place: Place, around: Around) -> Iterator[Claim]:
    """Every claim of a sentence that can be typed with its subject."""
    if not WORTH_READING.search(text):
        return
    atoms = read_atoms(text)
    for equation in equations(text):
        yield replace(equation, file=place.file, origin=place.origin, heading=place.heading, line=place.line, words=text,
                      attributed=bool(cues.ATTRIBUTED.search(text)))
    last: Sighted | None = None
    sums = [(start, start + len(e.subject.text) + len(e.figure_words) + 6) for e in equations(text) if (start := text.find(e.subject.text)) >= 0]
    for amount in atoms.amounts:
        if any(start <= amount.start < end for start, end in sums):
            continue
        seen = _sighted(text, amount, atoms, around)
        if last is not None and amount.dimension == "bytes":
            seen = _continued(text, last, amount, seen, atoms)
        if seen is not None:
            last = seen
            yield from _claims(seen, text, place)
    yield from price_claims(text, atoms, place, around)
    yield from license_claims(text, atoms, place, around)


def _continued(text: str, last: Sighted, amount: Amount, seen: Sighted | None, atoms: Atoms) -> Sighted | None:
    """A figure that only goes on with the one before (`240 KiB per token: 1.9 GiB at 8K, 7.5 GiB at 32K`)."""
    if seen is None or seen.quantity in (last.quantity, "cache_per_token") or last.amount.dimension != "bytes":
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


def _claims(seen: Sighted, text: str, place: Place) -> Iterator[Claim]:
    for subject in seen.subjects:
        yield Claim(
            place.file, place.origin, place.heading, place.line, text, seen.amount.words, subject, seen.quantity,
            seen.amount.stated, conditions=seen.conditions, negated=seen.negated,
            attributed=seen.attributed or attributed_at(text, seen.amount.start),
            past=seen.past,
        )


def attributed_at(text: str, place: int) -> bool:
    """Whether the clause of a place tells somebody else's statement."""
    first, last = clause_of(text, place)
    for match in _PARENTHESIS.finditer(text):
        if match.start() < place < match.end():
            # Parentheses hold a statement of their own.
            return bool(cues.ATTRIBUTED.search(match[0]))
    return bool(cues.ATTRIBUTED.search(_PARENTHESIS.sub(" ", text[first:last])))


def _sighted(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    dimension = amount.dimension
    if text[: amount.start].count('"') % 2 and '"' in text[amount.end :]:
        return None  # quoted words are somebody else's, and are told for what is said of them
    if dimension == "bytes":
        return _bytes(text, amount, atoms, around)
    if dimension == "speed":
        return _speed(text, amount, atoms, around)
    if dimension in ("tokens", "count", "vocabulary") and not cues.PER_TOKEN.match(text[amount.end :]):
        return _vocabulary(text, amount, atoms, around) or _window(text, amount, atoms, around)
    if dimension == "params":
        return _parameters(text, amount, atoms, around)
    if dimension == "percent":
        return _share(text, amount, atoms, around)
    if dimension in _DIRECT:
        return _direct(text, amount, atoms, around)
    return None


def models_at(text: str, amount: Amount, atoms: Atoms, around: Around, *, sizes: bool = True) -> tuple[Subject, ...]:
    """The models that a figure is said of; classes of size where no model is named near it."""
    found: Sequence[Atom] = sorted([*atoms.models, *(atoms.sizes if sizes else ())], key=lambda atom: atom.start)
    chosen = subjects_at(text, amount.start, amount.end, found)
    if chosen:
        if chosen[0].subject.kind == "size" and (atoms.models or around.above.models):
            return ()  # "the 20b" of a family that is named
        return tuple(atom.subject for atom in chosen)
    if found or atoms.apis:
        return ()
    return carried(around, "models") or (carried(around, "sizes") if sizes else ())


def _words_around(text: str, amount: Amount, atoms: Atoms) -> tuple[str, str]:
    """The words of the clause before and behind a figure, up to the next figure with a unit."""
    first, last = clause_of(text, amount.start)
    before = max([a.end for a in atoms.amounts if a.end <= amount.start and a.dimension != "count"], default=first)
    behind = min([a.start for a in atoms.amounts if a.start >= amount.end and a.dimension != "count"], default=last)
    return text[max(first, before) : amount.start], text[amount.end : min(last, behind)]


def _bytes(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    before, behind = _words_around(text, amount, atoms)
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
        return Sighted(replace(amount, stated=stated), "memory", models, conditions, negated=bool(cues.NOT.search(fits["verb"])))
    if capacity or _on_card(before) or cues.DIFFERENCE_BEHIND.match(text[amount.end :]) or cues.DIFFERENCE_BEFORE.search(before):
        return None
    if not models:
        return None
    if re.search(r"\bbuffers?\b|\bscratch\b|\boverhead\b", f"{around.heading} {before}", re.IGNORECASE):
        return None
    if re.search(r"\blogits\b", f"{around.heading} {around.before} {text}", re.IGNORECASE):
        return None
    quantity = _kind_of_bytes(f"{around.path} {text}", amount, before, behind, atoms)
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


def _on_card(before: str) -> bool:
    return bool(re.search(r"\b(?:on|of|with|for|from|at|than|into|beside|and|or)\s(?:a |an |one |the |your |just |only |single |about |~)*$", before, re.IGNORECASE)) and not re.search(
        r"\b(?:size|footprint|total|weights?|file|requirement|need|minimum|peak|cache|takes?|needs?|uses?|download) of\s(?:about |~)?$", before, re.IGNORECASE)


def _kind_of_bytes(text: str, amount: Amount, before: str, behind: str, atoms: Atoms) -> Quantity | None:
    if re.match(r"^\s?(?:of )?(?:\w+\s)?(?:overhead|runtime|scratch|compute|logits|buffers?|activations?|adapter)\b", behind, re.I) or re.search(
        r"\b(?:overhead|runtime|adapter|buffers?|logits|driver|OS|system|context)\s?[(:]?\s?(?:about |~)?$", before, re.I
    ):
        return None
    if re.match(r"^\s?model\b", behind):
        return "file"
    tail = re.match(r"^\s?(?:of|in|for|on)?\s?(?:the |its |GPU |total |extra |f16 |fp16 |q8_0 |q4_0 |quantized |model )*([\w-]+(?:\s[\w-]+)?)", behind)
    near = tail[1] if tail else ""
    if atoms.methods or (cues.TRAINING.search(before + behind) and not re.search(r"\btrained\b", before + behind)):
        said = re.search(r"LoRA(?! adapter)|fine-?tun|full", before + behind + near, re.IGNORECASE)
        return "training_memory" if said and not re.search(r"\badapter|\bruntime\b", before[-24:] + behind[:16], re.IGNORECASE) else None
    for quantity, pattern in (("cache", cues.CACHE), ("file", cues.FILE), ("memory", re.compile(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b|\btotal\b|\bin all\b|\ball\b", re.I))):
        if pattern.match(near) or (pattern is cues.CACHE and re.match(r"^\s?(?:of )?(?:KV|cache)", behind)):
            return quantity  # type: ignore[return-value]  # the names above are quantities
    last = {name: max((m.start() for m in pattern.finditer(before)), default=-1)
            for name, pattern in (("cache", cues.CACHE), ("file", cues.FILE), ("memory", cues.MEMORY))}
    if last["cache"] >= 0 and last["cache"] >= last["file"]:
        return "cache"
    if last["file"] >= 0 and not re.search(r"\bVRAM\b|\bGPU memory\b", before[last["file"] :], re.I):
        return "file"
    if last["memory"] >= 0:
        # "needs" alone does not say of what: where caches are the matter and no quantization is named, of the cache.
        noun = re.search(r"(?<![a-z])vram\b|\bmemory\b|\bRAM\b|\btotals?\b|\bin all\b", text, re.I)
        return "cache" if not noun and not atoms.quants and cues.CACHE.search(text) else "memory"
    if re.search(r"\b(?:is|are|was|weighs?|at|comes (?:in|to)(?: at)?|ends up at|lands at)\s(?:about |around |roughly |some |only |just |~)*$", before, re.I) and atoms.quants:
        return "file"
    named = [atom.end for atom in (*atoms.models, *atoms.sizes) if atom.end <= amount.start]
    if named and re.fullmatch(r"[\s:(=~]*(?:about |around )?", text[max(named) : amount.start]):
        told = text[: text.rfind(amount.words)] if amount.words in text else text
        cue = max(((m.start(), name) for name, pattern in (("cache", cues.CACHE), ("file", cues.FILE), ("memory", _MEMORY_NOUN)) for m in pattern.finditer(told)), default=None)
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
        if amount.end <= atom.start and re.fullmatch(r"\s?(?:VRAM )?(?:NVIDIA |GeForce )?", text[amount.end : atom.start]) and atom.count == 1:
            return atom.subject
        if atom.end <= amount.start and atom.count == 1:
            gap = text[atom.end : amount.start]
            if re.fullmatch(r"\s?\(\s?|\s(?:card |GPU )?(?:has|have|with|comes with|offers|ships with|carries|features|packs|provides|gives you|only has|sports|holds)\s(?:its |about |only |just |exactly |a full |~)*", gap, re.I):
                return atom.subject
            if re.fullmatch(r"\s|:\s|'s\s|,\s", gap) and re.match(r"^\s?(?:of )?(?:VRAM|GDDR|HBM|memory|RAM|unified)|^\s?(?:$|[,;)])", text[amount.end :], re.I):
                return atom.subject
    return None


def _speed(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    first, last = clause_of(text, amount.start)
    models = models_at(text, amount, atoms, around)
    conditions = conditions_at(text, amount.start, amount.end, atoms, around)
    if not models or not conditions.devices or cues.SPEED_OTHER.search(text[first:last]):
        return None
    if cues.SPILLS.search(text[first:last]):
        return None
    return Sighted(amount, "speed", models, conditions)


def _vocabulary(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    if not (amount.dimension == "vocabulary" or _VOCABULARY.match(text[amount.end :]) or _VOCABULARY_BEFORE.search(text[: amount.start])):
        return None
    models = models_at(text, amount, atoms, around, sizes=False)
    return Sighted(amount, "vocabulary", models, Conditions()) if models else None


def _window(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    thousands = amount.stated.scales != (1.0,)
    before, behind = _words_around(text, amount, atoms)
    tokens = amount.dimension == "tokens" or bool(cues.WINDOW_BEHIND.match(text[amount.end :]))
    named = re.search(r"(?:window|context(?: length| size)?)(?: size| length)?\s(?:of|is|:|=)\s?(?:about |up to |~|only )?$|(?:context|window):\s?~?$", before, re.I)
    if not (thousands or tokens) or amount.stated.high < 256 or not (tokens or named):
        return None
    cue = cues.WINDOW.search(before) or named or re.match(r"^[\s-]?(?:tokens?[\s-])?(?:context )?window|^[\s-]?(?:tokens? )?context (?:window|length|size)", text[amount.end :], re.I)
    alone = re.search(r"\b(?:at|with|for|over|using|under|in|to|than|from|of|per|and|or|by)\s(?:a |an |its |about |up to )?$", before, re.I) and not named
    window_word = re.search(r"window|context length|native", before[-60:] + behind[:30], re.I)
    if not cue or (alone and not window_word) or cues.SLIDING.search(before + behind[:40]):
        return None
    if any(a.dimension in ("bytes", "speed", "usd") for a in atoms.amounts) and not window_word:
        return None
    apis = subjects_at(text, amount.start, amount.end, atoms.apis)
    models = models_at(text, amount, atoms, around, sizes=False)
    subjects = models or tuple(atom.subject for atom in apis)
    if not subjects or cues.EXTENDED.search(text[clause_of(text, amount.start)[0] : clause_of(text, amount.start)[1]]):
        return None
    return Sighted(amount, "window", subjects, Conditions())


def _parameters(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    models = models_at(text, amount, atoms, around, sizes=False)
    said = bool(re.search(r"param", amount.words, re.I)) or bool(re.match(r"^\s?(?:total |in (?:all|total)|params?\b|parameters?\b)", text[amount.end :], re.I))
    active = bool(re.search(r"activ", amount.words, re.I) or re.match(r"^\s?(?:(?:parameters? )?(?:are |is )?activ\w*|(?:parameters? )?per token)", text[amount.end :], re.I))
    trainable = re.search(r"\btrainable\b|\badapter\b|\bLoRA\b|\brank\b|\bbatch\b|\bbillion tokens\b|\bteacher\b|\bup to\b|\brange\b", text, re.I)
    if not models or trainable or not (said or active) or amount.stated.low < 1e6:
        return None
    return Sighted(amount, "active_parameters" if active else "parameters", models, Conditions())


def _share(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    first, last = clause_of(text, amount.start)
    if not cues.OF_SIXTEEN.search(text[first:last]):
        return None
    quants = [mark for mark in atoms.quants if not re.search(r"\b(?:of|than|vs\.?|to|against)\s(?:the )?$", text[: mark.start], re.I) and mark.value != "F16"]
    conditions = conditions_at(text, amount.start, amount.end, replace(atoms, quants=tuple(quants)), around)
    if conditions.quant in (None, "F16"):
        return None
    if re.search(r"points?|accuracy|quality|perplex|speed|faster|loss", text[first:last], re.I):
        return None
    stated = amount.stated
    if _SMALLER.search(text[amount.end : amount.end + 24]) or re.search(r"\bby\s(?:about |~)?$", text[: amount.start]):
        stated = replace(stated, low=100 - stated.high, high=100 - stated.low)
    subject = Subject("quant", str(conditions.quant), (str(conditions.quant),))
    models = models_at(text, amount, atoms, Around(), sizes=False)
    return Sighted(replace(amount, stated=stated), "share", models if len(models) == 1 else (subject,), conditions)


def _direct(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    quantity = _DIRECT[amount.dimension]
    conditions = conditions_at(text, amount.start, amount.end, atoms, around)
    if quantity == "bandwidth":
        chosen = subjects_at(text, amount.start, amount.end, atoms.devices)
        good = [atom.subject for atom in chosen if atom.count == 1]
        return Sighted(amount, quantity, tuple(good), Conditions()) if good and len(good) == len(chosen) else None
    if quantity == "bits":
        if conditions.quant is None:
            return None
        models = models_at(text, amount, atoms, Around(), sizes=False)
        quant = Subject("quant", conditions.quant, (conditions.quant,))
        return Sighted(amount, quantity, models or (quant,), conditions)
    models = models_at(text, amount, atoms, around, sizes=False)
    words = text[max(0, amount.start - 40) : amount.start]
    if not models or not (_HAS.search(words) or quantity in ("kv_heads", "dimensions")):
        return None
    if quantity in ("layers", "heads") and (_PART.search(words) or re.search(r"\d (?:out )?of $|\bin $", words) or re.match(r"^\s?(?:on|in|of|to|are|for|per)\b", text[amount.end :])):
        return None
    return Sighted(amount, quantity, models, Conditions())


def license_claims(text: str, atoms: Atoms, place: Place, around: Around) -> Iterator[Claim]:
    """Which license a model has, and whether it may be used commercially."""
    if len(atoms.models) > 12 or (not atoms.models and not around.last):
        return
    for match in cues.LICENSE_PATTERN.finditer(text):
        index = next(i for i in range(len(cues.LICENSES)) if match[f"l{i}"])
        chosen = _licensed(text, match, atoms, around)
        if chosen:
            yield from _stated(text, place, match, chosen, "license", cues.LICENSES[index][1])
    for pattern, value in ((cues.COMMERCIAL_NO, "no"), (cues.COMMERCIAL_YES, "yes")):
        said = pattern.search(text)
        if said is not None and len(atoms.models) == 1 and not cues.HYPOTHETICAL.search(text):
            yield from _stated(text, place, said, (atoms.models[0].subject,), "commercial_use", value)


def _licensed(text: str, match: re.Match[str], atoms: Atoms, around: Around) -> tuple[Subject, ...]:
    before = [atom for atom in atoms.models if atom.end <= match.start()]
    if not before or any(a.start < match.end() and match.start() < a.end for a in atoms.models):
        return ()
    gap = text[before[-1].end : match.start()]
    is_said = re.search(
        r"^\s?(?:\([^)]*\)\s?)?(?:is|are|has|have|uses?|comes?|ships?|released|falls?|stands?|carr(?:y|ies)|,|:)?\s?"
        r"(?:also |fully |now |still |under |with |a |an |the |licensed |available |released |published |distributed |permissively |license |permissive |out |open |is |its |in )*\(?$",
        gap, re.I,
    )
    inside = re.fullmatch(r"\s?\((?:[^()]*,\s)?", gap)
    if not (is_said or inside) or re.search(r"\bnot\b|n't\b|\bunlike\b", gap):
        return ()
    chosen = subjects_at(text, match.start(), match.end(), before)
    return tuple(atom.subject for atom in chosen)


def _stated(text: str, place: Place, match: re.Match[str], subjects: Sequence[Subject], quantity: Quantity, value: str) -> Iterator[Claim]:
    negated = quantity == "license" and bool(re.search(r"\b(?:not|no longer|isn't|is not)\s(?:under )?(?:the |an? )?$", text[: match.start()], re.I))
    for subject in subjects:
        yield Claim(
            place.file, place.origin, place.heading, place.line, text, match[0], subject, quantity, None, value,
            attributed=attributed_at(text, match.start()), negated=negated,
            past=bool(re.search(r"\btagged\b|\bwas\b", text[: match.start()])),
        )
