"""The hardware slot of a message, joined with what was known of the machines before."""

from __future__ import annotations

import re
from typing import Any

from agent.understanding.data import load
from agent.understanding.machines import MachineMention, hardware_need
from agent.understanding.text import Text
from agent.understanding.types import Ambiguity, Updates
from tools.needs import HardwareNeed, Needs, Slot

_SIZE = re.compile(r"\d+(?:[.,]\d+)?\s?(?:gb|gib|gigs?)\b", re.IGNORECASE)
_PARTS = frozenset({"memory", "cores"})
_QUOTE_CHARS = 100


def hardware_update(
    text: Text,
    mentions: tuple[MachineMention, ...],
    needs: Needs,
    *,
    asked: str = "",
    correcting: bool = False,
    nothing: bool = False,
    supposed: bool = False,
) -> Updates:
    """The update of the hardware slot, or nothing where the message names no machine.

    A device replaces what was said, unless it is one more; a size or core count alone completes it, or
    corrects the one size in it. A supposed size not said to be of the computer stands for a
    card of that size, except where card and computer share their memory: then it is that memory.
    """
    quote = text.clean.strip()[:_QUOTE_CHARS]
    if nothing:
        return {"hardware": Slot[Any](value=HardwareNeed(text=quote, none=True), quote=quote)}
    restated = _restated(text, needs)
    if restated is not None:
        return {"hardware": Slot[Any](value=restated, quote=quote)}
    need = hardware_need(text, mentions, training_asked=asked == "training")
    if need is None:
        return _as_said(text, quote) if asked == "hardware" else {}
    earlier = needs.hardware
    kinds = frozenset().union(*(m.kinds for m in mentions))
    if kinds == {"count"}:
        return {} if earlier is None else _multiplied(text, mentions, earlier.value)
    if kinds == {"vague"} and (earlier is not None or asked != "hardware"):
        return {}
    if earlier is not None and asked != "hardware" and _points_back(need.text, earlier.value.text):
        return {}
    if earlier is not None:
        said = text.low[mentions[0].start : mentions[-1].end]
        ahead = text.low[max(0, mentions[0].start - 24) : mentions[0].start]
        if "device" in kinds and re.search(load("machines")["more"], ahead + " " * (not ahead.endswith(" "))):
            need = need.model_copy(update={"text": f"{earlier.value.text} + another {need.text}"})
        elif supposed and kinds == {"memory"} and _is_of_a_card(said, earlier.value.text):
            need = need.model_copy(update={"text": f"{need.text} VRAM"})
        else:
            serves = not correcting and re.search(load("machines")["serves"], text.low) is not None
            before = _put_to_training(earlier.value, mentions, needs) if serves else earlier.value
            need = _joined(before, need, kinds, correcting)
        if need == earlier.value and asked != "hardware":
            return {}
    start, end = mentions[0].start, mentions[-1].end
    if end - start > _QUOTE_CHARS:
        end = mentions[0].end
    return {"hardware": Slot[Any](value=need, quote=text.quote(start, end))}


def _points_back(named: str, known: str) -> bool:
    """Whether it only names the known machine again: `this macbook` after `my macbook air m3 16gb`."""
    lead = r"(?:this|that|the|my|our|the same|same|dies\w*|mein\w*|unser\w*)\s+(?=[^\d]+$)"
    pointing = re.match(lead, named.lower())
    if pointing is None:
        return False
    words = re.findall(r"\w+", known.lower())
    return all(word in words for word in re.findall(r"\w+", named.lower()[pointing.end() :]))


def _restated(text: Text, needs: Needs) -> HardwareNeed | None:
    """The machines said before with another size in place of the one named (`I said 24 GB, it's only 16`)."""
    earlier = needs.hardware
    if earlier is None or len(_SIZE.findall(earlier.value.text)) != 1:
        return None
    for pattern in load("machines")["restated"]:
        match = re.search(pattern, text.low)
        if match is None or match["old"] == match["new"]:
            continue
        old = re.compile(rf"(?<![\d.,]){match['old']}(?=\s?(?:gb|gib|gigs?)\b)", re.IGNORECASE)
        if old.search(earlier.value.text):
            return earlier.value.model_copy(update={"text": old.sub(match["new"], earlier.value.text)})
    return None


def _multiplied(text: Text, mentions: tuple[MachineMention, ...], before: HardwareNeed) -> Updates:
    """Several of the card that was named before: `two of them`, `a second one`."""
    from tools.hardware import read_hardware

    counting = load("machines")["counting"]
    quote = text.quote(mentions[0].start, mentions[0].end)
    match = re.match(rf"(?:{'|'.join(counting)})\b|\d", quote.lower())
    known = read_hardware(before.text).machines
    if match is None or len(known) != 1 or not known[0].devices:
        return {}
    said = counting.get(match.group(), match.group())
    count = len(known[0].devices) + 1 if said == "more" else int(said)
    one = re.sub(load("machines")["counts_before"], "", before.text, flags=re.IGNORECASE)
    several = before.model_copy(update={"text": f"{count}x {one}"})
    found = read_hardware(several.text).machines
    if len(found) != 1 or len(found[0].devices) != count:
        return {}
    return {"hardware": Slot[Any](value=several, quote=quote)}


def _as_said(text: Text, quote: str) -> Updates:
    """An answer in words that only the hardware reader knows."""
    from tools.hardware import read_hardware

    said = text.clean.strip()[:_QUOTE_CHARS]
    reading = read_hardware(said)
    if reading.empty:
        return {}
    return {"hardware": Slot[Any](value=HardwareNeed(text=said, none=reading.none), quote=quote)}


def _put_to_training(
    before: HardwareNeed, mentions: tuple[MachineMention, ...], needs: Needs
) -> HardwareNeed:
    """The machine said first trains, where training was spoken of and another one is now said to serve."""
    training = needs.training is not None and needs.training.value.method != "none"
    serves = all(m.purpose == "use" and m.stated_purpose for m in mentions)
    devices = any("device" in m.kinds for m in mentions)
    if not (training and serves and devices) or before.training_text or not before.text:
        return before
    return before.model_copy(update={"training_text": before.text})


def _joined(before: HardwareNeed, now: HardwareNeed, kinds: frozenset[str], correcting: bool) -> HardwareNeed:
    """New words put over old ones."""
    if now.training_text and not now.text:
        if _core(now.training_text) in before.text.lower():
            return before
        return before.model_copy(update={"training_text": now.training_text})
    text = now.text
    if kinds <= _PARTS and before.text:
        sizes = _SIZE.findall(before.text)
        if _SIZE.search(text) and _is_unknown(before.text):
            text = f"{before.text} with {_size_of(text)}"
        elif correcting and len(sizes) == 1 and _SIZE.search(text):
            text = _SIZE.sub(lambda _: _size_of(text), before.text)
        else:
            text = f"{before.text}, {text}"
    return now.model_copy(
        update={"text": text, "training_text": now.training_text or before.training_text, "none": now.none}
    )


def _is_of_a_card(size: str, machine: str) -> bool:
    """Whether a bare size means a card: not where the card shares the memory of the system."""
    from tools.hardware import read_hardware

    if re.search(r"ram|memory|system|speicher", size):
        return False
    machines = read_hardware(machine).machines
    return len(machines) != 1 or not any(device.unified for device in machines[0].devices)


def _is_unknown(words: str) -> bool:
    """Whether the words name a card that is not in the catalog, so that a size is the card's."""
    from tools.hardware import read_hardware

    reading = read_hardware(words)
    return not reading.machines and not reading.none


def _core(words: str) -> str:
    """The words without article and owner."""
    return re.sub(r"^(?:(?:the|a|an|my|our|one|single|same|that) )+", "", words.lower())


def _size_of(text: str) -> str:
    match = _SIZE.search(text)
    return match.group() if match else text


def ambiguous_parts(need: HardwareNeed) -> tuple[Ambiguity, ...]:
    """What the hardware words could mean several of (A100: 40 or 80 GB)."""
    from tools.hardware import read_hardware

    found = []
    for words in (need.text, need.training_text):
        if words:
            found += [
                Ambiguity("hardware", item.mention, tuple(item.options))
                for item in read_hardware(words).ambiguous
            ]
    return tuple(dict.fromkeys(found))
