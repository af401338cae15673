"""Claims in sentences: each figure with a unit, what it is of, and whom it is said of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atoms, read_atoms
from knowledge.claims.equations import equations, token_costs
from knowledge.claims.licenses import license_claims
from knowledge.claims.prices import price_claims
from knowledge.claims.said import Place, Sighted, attributed_at, models_at, words_around
from knowledge.claims.scene import Around, clause_of, conditions_at, subjects_at
from knowledge.claims.sizes import bytes_said, continued, device_fits
from knowledge.claims.types import Claim, Conditions, Quantity, Subject

WORTH_READING = re.compile(r"\d|licen[sc]e|commercial|MIT|Apache", re.IGNORECASE)


_DIRECT: dict[str, Quantity] = {
    "layers": "layers",
    "heads": "heads",
    "kv_heads": "kv_heads",
    "dimensions": "dimensions",
    "bits": "bits",
    "bandwidth": "bandwidth",
}


_HAS = re.compile(
    r"\b(?:has|have|with|of|uses?|using|and|,|:|its)\s(?:only |a |just )?$|[,(:]\s?$", re.IGNORECASE
)


_PART = re.compile(
    r"\b(?:first|last|offload\w*|GPU|remaining|other|every|some|half|per|each|sliding|full|attention"
    r"|all linear)\b",
    re.IGNORECASE,
)


_VOCABULARY = re.compile(r"^[\s-]?(?:tokens?[\s-]|entr(?:y|ies) )?(?:large )?vocab", re.IGNORECASE)


_VOCABULARY_BEFORE = re.compile(r"\bvocabulary (?:size )?(?:of|is|has|:)?\s?(?:about |~)?$", re.IGNORECASE)


_SMALLER = re.compile(r"\b(?:smaller|less|reduction|savings?|shrink\w*|reduc\w+)\b", re.IGNORECASE)


def sentence_claims(text: str, place: Place, around: Around) -> Iterator[Claim]:
    """Every claim of a sentence that can be typed with its subject."""
    if not WORTH_READING.search(text):
        return
    atoms = read_atoms(text)
    for equation in (*equations(text), *token_costs(text)):
        yield replace(
            equation,
            file=place.file,
            origin=place.origin,
            heading=place.heading,
            line=place.line,
            words=text,
            attributed=bool(cues.ATTRIBUTED.search(text)),
        )
    last: Sighted | None = None
    sums = [
        (start, start + len(e.subject.text) + len(e.figure_words) + 6)
        for e in equations(text)
        if (start := text.find(e.subject.text)) >= 0
    ]
    for amount in atoms.amounts:
        if any(start <= amount.start < end for start, end in sums):
            continue
        seen = _sighted(text, amount, atoms, around)
        if last is not None and amount.dimension == "bytes":
            seen = continued(text, last, amount, seen, atoms)
        if seen is not None:
            last = seen
            yield from _claims(seen, text, place)
    for seen in device_fits(text, atoms, around):
        yield from _claims(seen, text, place)
    yield from price_claims(text, atoms, place, around)
    yield from license_claims(text, atoms, place, around)


def _claims(seen: Sighted, text: str, place: Place) -> Iterator[Claim]:
    for subject in seen.subjects:
        yield Claim(
            place.file,
            place.origin,
            place.heading,
            place.line,
            text,
            seen.amount.words,
            subject,
            seen.quantity,
            seen.amount.stated,
            conditions=seen.conditions,
            negated=seen.negated,
            attributed=seen.attributed or attributed_at(text, seen.amount.start),
            past=seen.past,
        )


def _sighted(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    dimension = amount.dimension
    if text[: amount.start].count('"') % 2 and '"' in text[amount.end :]:
        return None  # quoted words are somebody else's, and are told for what is said of them
    if dimension == "bytes":
        return bytes_said(text, amount, atoms, around)
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
    if not (
        amount.dimension == "vocabulary"
        or _VOCABULARY.match(text[amount.end :])
        or _VOCABULARY_BEFORE.search(text[: amount.start])
    ):
        return None
    models = models_at(text, amount, atoms, around, sizes=False)
    return Sighted(amount, "vocabulary", models, Conditions()) if models else None


def _window(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    thousands = amount.stated.scales != (1.0,)
    before, behind = words_around(text, amount, atoms)
    tokens = amount.dimension == "tokens" or bool(cues.WINDOW_BEHIND.match(text[amount.end :]))
    named = re.search(
        r"(?:window|context(?: length| size)?)(?: size| length)?\s(?:of|is|:|=)\s?(?:about |up to |~"
        r"|only )?$|(?:context|window):\s?~?$",
        before,
        re.I,
    )
    if not (thousands or tokens) or amount.stated.high < 256 or not (tokens or named):
        return None
    cue = (
        cues.WINDOW.search(before)
        or named
        or re.match(
            r"^[\s-]?(?:tokens?[\s-])?(?:context )?window|^[\s-]?(?:tokens? )?context (?:window|length"
            r"|size)",
            text[amount.end :],
            re.I,
        )
    )
    alone = (
        re.search(
            r"\b(?:at|with|for|over|using|under|in|(?<!up )to|than|from|of|per|and|or|by)\s(?:a |an |its "
            r"|about |up to )?$",
            before,
            re.I,
        )
        and not named
    )
    window_word = re.search(r"window|context length|native", before[-60:] + behind[:30], re.I)
    if not cue and not atoms.quants and re.search(r"[:,(|]\s?$", before):
        cue = re.match(r"^[\s-](?:tokens? )?(?:of )?context\b", text[amount.end :], re.I)
    if not cue or (alone and not window_word) or cues.SLIDING.search(before + behind[:40]):
        return None
    if any(a.dimension in ("bytes", "speed", "usd") for a in atoms.amounts) and not window_word:
        return None
    apis = subjects_at(text, amount.start, amount.end, atoms.apis)
    models = models_at(text, amount, atoms, around, sizes=False)
    subjects = models or tuple(atom.subject for atom in apis)
    if not subjects or cues.EXTENDED.search(
        text[clause_of(text, amount.start)[0] : clause_of(text, amount.start)[1]]
    ):
        return None
    return Sighted(amount, "window", subjects, Conditions())


def _parameters(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    models = models_at(text, amount, atoms, around, sizes=False)
    said = bool(re.search(r"param", amount.words, re.I)) or bool(
        re.match(r"^\s?(?:total |in (?:all|total)|params?\b|parameters?\b)", text[amount.end :], re.I)
    )
    active = bool(
        re.search(r"activ", amount.words, re.I)
        or re.match(
            r"^\s?(?:(?:parameters? )?(?:are |is )?activ\w*|(?:parameters? )?per token)",
            text[amount.end :],
            re.I,
        )
    )
    trainable = re.search(
        r"\btrainable\b|\badapter\b|\bLoRA\b|\brank\b|\bbatch\b|\bbillion tokens\b|\bteacher\b|\bup to\b"
        r"|\brange\b",
        text,
        re.I,
    )
    if not models or trainable or not (said or active) or amount.stated.low < 1e6:
        return None
    return Sighted(amount, "active_parameters" if active else "parameters", models, Conditions())


def _share(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    first, last = clause_of(text, amount.start)
    if not cues.OF_SIXTEEN.search(text[first:last]):
        return None
    quants = [
        mark
        for mark in atoms.quants
        if not re.search(
            r"\b(?:of|than|vs\.?|(?:relative|compared) to|against|from)\s(?:the )?$", text[: mark.start], re.I
        )
        and mark.value != "F16"
    ]
    conditions = conditions_at(text, amount.start, amount.end, replace(atoms, quants=tuple(quants)), around)
    if conditions.quant in (None, "F16"):
        return None
    if re.search(r"points?|accuracy|quality|perplex|speed|faster|loss", text[first:last], re.I):
        return None
    stated = amount.stated
    if _SMALLER.search(text[amount.end : amount.end + 24]) or re.search(
        r"\bby\s(?:about |~)?$", text[: amount.start]
    ):
        stated = replace(stated, low=100 - stated.high, high=100 - stated.low)
    subject = Subject("quant", str(conditions.quant), (str(conditions.quant),))
    models = models_at(text, amount, atoms, Around(), sizes=False)
    return Sighted(
        replace(amount, stated=stated), "share", models if len(models) == 1 else (subject,), conditions
    )


def _direct(text: str, amount: Amount, atoms: Atoms, around: Around) -> Sighted | None:
    quantity = _DIRECT[amount.dimension]
    conditions = conditions_at(text, amount.start, amount.end, atoms, around)
    if quantity == "bandwidth":
        chosen = subjects_at(text, amount.start, amount.end, atoms.devices)
        good = [atom.subject for atom in chosen if atom.count == 1]
        return (
            Sighted(amount, quantity, tuple(good), Conditions())
            if good and len(good) == len(chosen)
            else None
        )
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
    if quantity in ("layers", "heads") and (
        _PART.search(words)
        or re.search(r"\d (?:out )?of $|\bin $", words)
        or re.match(r"^\s?(?:on|in|of|to|are|for|per)\b", text[amount.end :])
    ):
        return None
    return Sighted(amount, quantity, models, Conditions())
