"""What a sentence names: models and their sizes, API models, accelerators, quantizations, contexts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from knowledge.catalog.accelerators import match_accelerators
from knowledge.catalog.api_models import find_api_names, load_api_models
from knowledge.catalog.mentions import find_model_names
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.claims.amounts import Amount, amounts
from knowledge.claims.hosted import find_hosted_names
from knowledge.claims.types import Subject

LONGEST = 3_000
"""Characters of a sentence that are read."""
SHORT = 60
_OFFERS = re.compile(r"\$|USD|dollar|price|cost|window|context|tokens|\bAPI\b", re.IGNORECASE)
QUANT = re.compile(
    r"(?<![A-Za-z0-9])(?:UD-)?(?P<gguf>I?Q[1-8]_(?:K_XL|K_[SML]|K|[01]|XXS|XS|S|M|NL))(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?P<class>Q[2-8])(?![A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9])(?P<sixteen>BF16|FP16|F16|float16|bfloat16|half[- ]precision"
    r"|16[- ]bits?)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?P<thirtytwo>FP32|F32|float32|full[- ]precision)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?P<other>AWQ|GPTQ|FP8|NVFP4|MXFP4|NF4)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9.,])(?P<bits>[2-8]|two|three|four|five|six|eight)[- ]bits?(?![A-Za-z0-9]| per"
    r"| a weight)"
    r"|(?<![A-Za-z0-9])INT(?P<int>[48])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_BITS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "eight": "8"}
SIZE = re.compile(r"(?<![\w.$,+-])(?P<size>\d+(?:\.\d+)?)\s?[bB](?![\w/+]|\s?(?:/|per\b))")
_SIZE_RANGE = re.compile(
    r"\d[bB]?\s?(?:-|\u2013|to)\s?$|\b(?:below|under|up to|above|over|sub|beyond|at least|at most"
    r"|than)[\s-]$",
    re.IGNORECASE,
)
CONTEXT = re.compile(
    r"(?P<k>\d+(?:\.\d+)?)\s?[kK](?:[ -](?:tokens?))?(?=[ -](?:of )?(?:context|ctx)|(?<=tokens) (?:take"
    r"|need|use|cost)|(?<=[kK]) (?:about |~)?\d[\d.]*\s?[GM]i?B)"
    r"|(?:context(?: length| size| window)?|ctx|-c|--ctx-size|num_ctx)\s?(?:of|at|=|:|set to"
    r"|is)?\s?(?P<after>\d[\d,]*)\s?(?P<afterk>[kK])?"
    r"(?![\d.,]*\d|\s?[GM]i?B|%)"
    r"|(?P<plain>\d{1,3}(?:,\d{3})+|\d{3,7})(?:[ -]tokens?)?(?= (?:of )?context)"
    r"|(?:at|with|for|over|by|to|and"
    r"|or)\s(?P<at>\d[\d,]*(?:\.\d+)?)\s?(?P<atk>[kK])?(?:(?: tokens?)(?![\w/]|\s(?:per|a|/))"
    r"|(?<=[kK])(?![\w/]|\s(?:tokens|per)))",
    re.IGNORECASE,
)
METHOD = re.compile(
    r"\b(?:(?P<qlora>Q-?LoRA)|(?P<lora>LoRA)|(?P<full>full(?:[- ]parameter)? (?:fine-?tun\w*|training)"
    r"|full(?:y)? fine-?tun\w*))\b",
    re.IGNORECASE,
)
KV_TYPE = re.compile(
    r"(?<![A-Za-z0-9])(?P<type>f16|fp16|bf16|q8_0|q5_[01]|q4_[01]|fp8)(?![A-Za-z0-9])", re.IGNORECASE
)
_KV_NEAR = re.compile(r"^[ -]?(?:KV|key|cache|K/V)", re.IGNORECASE)
_KV_BEFORE = re.compile(r"(?:cache|KV)(?: type| in| at| of| to|-type-[kv]|:)?(?: in)?\s$", re.IGNORECASE)
_COUNT = re.compile(
    r"(?:(?<![\w.])(?P<digits>\d+)\s?(?:x|\u00d7|\*)?\s?|\b(?P<word>two|dual|three|four|quad"
    r"|eight)\s)(?:NVIDIA |used )?$",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?<![\w./-])[A-Za-z]\w*(?:[-.]\w+)+(?![\w/-])")
_COUNTS = {"two": 2, "dual": 2, "three": 3, "four": 4, "quad": 4, "eight": 8}


_UNLISTED = re.compile(
    r"(?<![A-Za-z])(?:Claude|Gemini|GPT|ChatGPT|Grok)[- ]?\d[\w.]*"
    r"(?:[- ](?:Sonnet|Opus|Haiku|Pro|Flash|Ultra|Turbo|mini|nano|Lite))*",
    re.IGNORECASE,
)
"""Names of hosted models that no price map lists any more."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A name or condition in a text: `text[start:end]`."""

    start: int
    end: int
    subject: Subject
    count: int = 1
    """Of devices."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A condition in a text and what it means."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Atoms:
    """Everything that a text names, in order."""

    models: tuple[Atom, ...] = ()
    apis: tuple[Atom, ...] = ()
    sizes: tuple[Atom, ...] = ()
    devices: tuple[Atom, ...] = ()
    quants: tuple[Mark, ...] = ()
    kv_types: tuple[Mark, ...] = ()
    contexts: tuple[Mark, ...] = ()
    methods: tuple[Mark, ...] = ()
    amounts: tuple[Amount, ...] = ()


@lru_cache(maxsize=4096)
def read_atoms(text: str) -> Atoms:
    """Reads a sentence or a cell; only its first 3000 characters."""
    text = text[:LONGEST]
    catalog = load_catalog()
    kv_types, quants = _formats(text)
    devices = find_devices(catalog, text)
    taken = [(mark.start, mark.end) for mark in quants] + [(atom.start, atom.end) for atom in devices]
    masked = _masked(text, taken)
    models = tuple(
        Atom(m.start, m.end, Subject("model", m.text, (m.record.id,) if m.record else m.choices))
        for m in find_model_names(catalog, masked)
    )
    # A cell may hold nothing but a name; a sentence that offers nothing need not be searched for offers.
    apis = _apis(masked) if len(text) < SHORT or _OFFERS.search(text) else ()
    named = [(atom.start, atom.end) for atom in (*models, *apis)]
    rest = _masked(masked, named)
    contexts = tuple(_contexts(rest))
    sizes = tuple(
        Atom(m.start(), m.end(), Subject("size", f"{m['size']}B", (m["size"],)))
        for m in SIZE.finditer(rest)
        if not re.match(r"\s?(?:-|\u2013)\s?\d|\s?(?:total |active |trainable )?param", rest[m.end() :])
        and not _SIZE_RANGE.search(rest[: m.start()])
    )
    found = [
        a
        for a in amounts(text)
        if not any(a.start < end and start < a.end for start, end in [*taken, *named])
    ]
    methods = tuple(Mark(m.start(), m.end(), str(m.lastgroup)) for m in METHOD.finditer(text))
    return Atoms(models, apis, sizes, devices, quants, kv_types, contexts, methods, tuple(found))


def _masked(text: str, places: list[tuple[int, int]]) -> str:
    """The text with the places blanked: offsets stay."""
    for start, end in places:
        text = f"{text[:start]}{'|' * (end - start)}{text[end:]}"
    return text


def _formats(text: str) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """Types of the cache, and quantizations of the weights."""
    caches, weights = [], []
    for match in KV_TYPE.finditer(text):
        if _KV_NEAR.match(text[match.end() :]) or _KV_BEFORE.search(text[: match.start()]):
            caches.append(Mark(match.start(), match.end(), _cache_type(match["type"])))
    held = {mark.start for mark in caches}
    for match in QUANT.finditer(text):
        if match.start() not in held:
            weights.append(Mark(match.start(), match.end(), quant_named(match)))
    return tuple(caches), tuple(weights)


def _cache_type(written: str) -> str:
    name = written.lower()
    return "f16" if name in ("fp16", "bf16") else name


def quant_named(match: re.Match[str]) -> str:
    """The quantization that a match of `QUANT` names: `Q4_K_M`, `F16`, or a class (`Q4`, `4-bit`)."""
    if match["gguf"]:
        name = match["gguf"].upper()
        return {"Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "Q3_K": "Q3_K_M", "Q4_K_XL": "Q4_K_M"}.get(name, name)
    if match["class"]:
        return {"Q8": "Q8_0", "Q6": "Q6_K"}.get(match["class"].upper(), match["class"].upper())
    if match["sixteen"]:
        return "F16"
    if match["thirtytwo"]:
        return "F32"
    if match["other"]:
        return (
            match["other"].upper().replace("NF4", "BNB-NF4")
            if match["other"].upper() == "NF4"
            else match["other"].upper()
        )
    bits = (match["bits"] or match["int"]).lower()
    return f"{_BITS.get(bits, bits)}-bit"


def _contexts(text: str) -> list[Mark]:
    found = []
    for match in CONTEXT.finditer(text):
        written, thousands = (
            match["k"] or match["plain"] or match["after"] or match["at"],
            match["k"] or match["afterk"] or match["atk"],
        )
        value = float(written.replace(",", ""))
        tokens = round(value * 1024) if thousands else round(value)
        if 64 <= tokens <= 20_000_000:
            found.append(Mark(match.start(), match.end(), str(tokens)))
    return found


@cache
def _device_pattern(catalog: Catalog) -> re.Pattern[str]:
    words: set[str] = set()
    for card in catalog.accelerators:
        for name in (card.name, *card.aliases):
            plain = re.sub(r"\s\([^)]*\)|\s\d+ GB$", "", name)
            words.add(plain)
            for maker in (
                "GeForce ",
                "Radeon ",
                "Instinct ",
                "Tesla ",
                "Apple ",
                "Radeon Instinct ",
                "NVIDIA ",
            ):
                words.add(plain.removeprefix(maker))
    words |= {re.sub(r" (?:SXM\d?|PCIe|NVL)$", "", word) for word in words}
    words = {word for word in words if re.search(r"\d", word) or " " in word}
    # "3090" alone is a card as well; a bare number needs more than a number can be.
    bare = {
        m[1] for word in words if (m := re.fullmatch(r"(?:RTX|GTX|RX) (\d{4}(?: (?:Ti|XTX?|SUPER))?)", word))
    }
    ordered = sorted(words, key=len, reverse=True)
    spelled = "|".join(re.escape(word).replace(r"\ ", r"[\s-]?") for word in ordered)
    numbers = "|".join(re.escape(word).replace(r"\ ", r"\s?") for word in sorted(bare, key=len, reverse=True))
    return re.compile(
        rf"(?<![\w.-])(?P<name>(?:NVIDIA |GeForce |AMD |Apple |Intel |Nvidia )?(?:{spelled})"
        rf"|(?<![$~,])(?:{numbers})(?!\s?(?:tok|GB|%|,\d|\.\d|MiB|MB|iter|step|t/s)))"
        r"(?P<form>\s?(?:SXM\d?|PCIe|Laptop|Mobile|NVL))?(?P<memory>[ -]\(?\d{1,3}\s?G(?:i)?B\)?(?!/s"
        r"|\sof\b))?(?![\w]|\.\d)",
        re.IGNORECASE,
    )


def find_devices(catalog: Catalog, text: str) -> tuple[Atom, ...]:
    """The accelerators that a text names, with how many of each."""
    found = []
    for match in _device_pattern(catalog).finditer(text):
        name = " ".join(part for part in (match["name"], match["form"]) if part)
        whole = f"{name} {match['memory'] or ''}".strip(" ()")
        cards = match_accelerators(catalog, name)
        end = match.end() - len(match["memory"] or "")
        if match["memory"] and len(cards) > 1:
            # The size is part of the name only where cards of that name differ in it.
            sized = match_accelerators(catalog, whole)
            cards, end = (sized, match.end()) if sized else (cards, end)
        if not cards:
            continue
        before = _COUNT.search(text[: match.start()])
        count = 1 if before is None else int(before["digits"] or _COUNTS[before["word"].lower()])
        named = Subject("device", text[match.start() : end], tuple(card.name for card in cards))
        found.append(Atom(match.start(), end, named, count if 1 <= count <= 64 else 1))
    return tuple(found)


@cache
def _exact_keys() -> dict[str, tuple[str, ...]]:
    """Keys of the price map by their last part, of the makers' own models."""
    return {model.key.split("/")[-1].lower(): (model.key,) for model in load_api_models() if "-" in model.key}


def _apis(text: str) -> tuple[Atom, ...]:
    """Models of the price map, those that only other hosts list included."""
    own = [
        Atom(start, end, Subject("api", text[start:end], (model.key,)))
        for start, end, model in find_api_names(text)
    ]
    hosted = [
        Atom(start, end, Subject("api", text[start:end], keys))
        for start, end, keys in find_hosted_names(text)
        if not any(start < atom.end and atom.start < end for atom in own)
    ]
    # A name that is a key letter by letter means that key, not the shortest of its family.
    own = [
        Atom(
            a.start,
            a.end,
            Subject("api", a.subject.text, _exact_keys().get(a.subject.text.lower(), a.subject.ids)),
        )
        for a in own
    ]
    own += [
        Atom(m.start(), m.end(), Subject("api", m[0], _exact_keys()[m[0].lower()]))
        for m in _KEY.finditer(text)
        if m[0].lower() in _exact_keys() and not any(m.start() < a.end and a.start < m.end() for a in own)
    ]
    known = [*own, *(a for a in hosted if not any(a.start < b.end and b.start < a.end for b in own))]
    known += [
        Atom(m.start(), m.end(), Subject("api", m[0]))
        for m in _UNLISTED.finditer(text)
        if not any(m.start() < atom.end and atom.start < m.end() for atom in known)
    ]
    return tuple(sorted(known, key=lambda atom: atom.start))
