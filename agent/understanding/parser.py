"""Guided understanding: a message becomes typed slot updates with the quoted words, and an intent.

Order of reading (see `data/README.md` for the precedence within a slot): control words; no preference; a
short answer to the pending question; then the sentences, of which those that ask give no needs unless they
ask for a model, and what-ifs give only suppositions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from agent.understanding.asides import aside_of, beside_the_matter, insults_in
from agent.understanding.by_examples import nearest_by_words
from agent.understanding.compose import Composed, compose
from agent.understanding.data import load
from agent.understanding.hardware_slot import ambiguous_parts, hardware_update
from agent.understanding.intent import (
    Asking,
    about_answer,
    control_intent,
    critiques_of,
    in_domain,
    insists,
    pointed_ranks,
    wants_recommendation,
)
from agent.understanding.lexicon import Vote
from agent.understanding.mentions import Wish, joined_wish, model_wish
from agent.understanding.quantities import quantity_votes
from agent.understanding.reading import Read, outside, read_message
from agent.understanding.replies import is_no_preference, read_reply
from agent.understanding.text import MAX_CHARS, Span, Text, prepare
from agent.understanding.types import (
    Ambiguity,
    Asked,
    Intent,
    LastAnswer,
    Mentions,
    Understanding,
    Updates,
)
from tools.needs import SLOTS, ModelWish, Needs, Slot, TaskNeed

_OPENING = 300
"""Characters in which a long message says what is wanted, before what it pastes."""
_WORDS_FLOOR = 0.2
"""Least share of telling words at which a nearest example names the task."""
_OPENING_WORD = re.compile(
    r"\W*(?:(yes|yeah|yep|sure|ja)\b(?=[\s,.!]|$)"
    r"|(no|nope|nein)\b(?=\s*[,.;!:-]|\s*$|\s+(?:i|i'm|we|we're|it|it's|that|this|they|please|but|ich|wir|das|es)\b))"
)
"""`No, we …` answers; `no Llama` does not."""


def understand(
    text: str,
    needs: Needs,
    *,
    asked: Asked | None = None,
    last: LastAnswer | None = None,
) -> Understanding:
    """Reads a message; never raises for any text.

    Args:
        text: What the person wrote; read up to `text.MAX_CHARS`.
        needs: What is known so far; structured slots are completed from it.
        asked: The pending question, if any.
        last: The last recommendation, if any.
    """
    message = prepare(text)
    notes = [f"Only the first {MAX_CHARS:,} characters were read."] if message.cut else []
    aside = aside_of(message)
    if message.cut and not _opens_with_needs(text):
        aside = "paste"
    if aside is not None:
        return Understanding(intent="off_topic", aside=aside)
    if insists(message):
        asked = None
    control = control_intent(message)
    if control is not None and not (asked and control in ("thanks", "greeting")):
        return Understanding(intent=control, notes=tuple(notes), insists=insists(message))
    if is_no_preference(message) and not _either(message, asked):
        return Understanding(intent="no_preference", notes=tuple(notes))
    if asked is not None:
        reply = _replied(message, needs, asked, last)
        if reply is not None:
            return reply
    if re.search(load("compose")["clear_all"], message.low) and len(message.low.split()) <= 8:
        filled = tuple(slot for slot in SLOTS if getattr(needs, slot) is not None)
        return Understanding(cleared=filled, intent="change", notes=tuple(notes))
    return _understood(message, needs, asked, last, notes)


def _opens_with_needs(text: str) -> bool:
    """Whether a text too long to be typed begins with what somebody wants, and is not only pasted."""
    return bool({"task", "hardware"} & understand(text[:_OPENING], Needs()).updates.keys())


def _either(message: Text, asked: Asked | None) -> bool:
    """`Either` answers where a model runs; elsewhere it leaves the choice open."""
    return asked is not None and asked.slot == "deployment" and "either" in message.low


def _replied(message: Text, needs: Needs, asked: Asked, last: LastAnswer | None) -> Understanding | None:
    """A short answer, where the message is one."""
    reply = read_reply(message, asked)
    if reply is None:
        return None
    quote = message.clean.strip()
    if reply.no_preference:
        return Understanding(intent="no_preference")
    if reply.option is not None:
        inner = understand(reply.option, needs, asked=Asked(asked.slot), last=last)
        updates = {name: slot.model_copy(update={"quote": quote}) for name, slot in inner.updates.items()}
        intent: Intent = "answer" if updates else inner.intent
        return replace(
            inner, updates=updates, intent=intent, option=reply.option, conflicts=(), question=None
        )
    votes = [
        Vote(asked.slot, name, tuple(value) if isinstance(value, list) else value, 4, 0, len(message.low))
        for name, value in (reply.fields or {}).items()
    ]
    if asked.slot == "hardware":
        return Understanding(updates=hardware_update(message, (), needs, nothing=True), intent="answer")
    composed = compose(message, votes, (), needs, correcting=True, asked=asked.slot)
    if asked.slot == "features" and not composed.updates:
        composed.updates["features"] = Slot[Any](value=(), quote=quote)
    return Understanding(updates=composed.updates, intent="answer")


def _opening_word(message: Text, needs: Needs, asked: Asked, composed: Composed) -> None:
    """The `yes` or `no` that a longer answer opens with, where the rest does not fill the slot."""
    match = _OPENING_WORD.match(message.low)
    if match is None or asked.slot == "hardware":
        return
    fields = load("bare")["answers"].get(asked.slot, {}).get("no" if match[2] else "yes")
    votes = [
        Vote(asked.slot, n, v, 4, *match.span(match.lastindex or 0))
        for n, v in (fields or {}).items()
        if v != []
    ]
    composed.updates |= compose(message, votes, (), needs, correcting=True, asked=asked.slot).updates


def _understood(
    message: Text,
    needs: Needs,
    asked: Asked | None,
    last: LastAnswer | None,
    notes: list[str],
) -> Understanding:
    read = read_message(message, needs, asked, last)
    asking = read.asking
    stated = outside(read, (*asking.questions, *asking.what_ifs, *insults_in(message)), keep_owned=True)
    composed, extra = _updates(stated, needs, asked)
    if asked is not None and asked.slot not in composed.updates:
        _opening_word(message, needs, asked, composed)
    cleared = [*_cleared(message, needs, composed.updates), *composed.cleared]
    for slot in cleared:
        composed.updates.pop(slot, None)
    if not composed.updates and not cleared:
        aside = beside_the_matter(message)
        if aside is not None:
            return Understanding(intent="off_topic", aside=aside, notes=tuple(notes))
    _task_by_example(message, read, asked, composed)
    supposed: Updates = {}
    if read.asking.what_ifs:
        inside = outside(read, tuple(s for s in message.sentences if s not in read.asking.what_ifs))
        supposed = _updates(replace(inside, correcting=True), needs, asked, supposed=True)[0].updates
    asked_of: Updates = {}
    if asking.questions or asking.what_ifs:
        asked_of = _updates(replace(read, correcting=True), needs, asked, supposed=True)[0].updates
    critiques = critiques_of(message, answered=last is not None) if asking.plan is None else ()
    if critiques:
        composed.updates = {k: v for k, v in composed.updates.items() if k not in ("priority", "task")}
    partial = Understanding(
        updates=composed.updates,
        cleared=tuple(dict.fromkeys(cleared)),
        question=_question(message, read.asking),
        hypothetical=supposed,
        mentions=_mentions(message, read, last),
        critiques=critiques,
        conflicts=tuple(composed.conflicts),
        ambiguous=_ambiguities(composed.updates),
        notes=(*notes, *dict.fromkeys((*read.notes, *extra))),
        correcting=read.correcting,
        insists=insists(message),
        plan=asking.plan,
        asked_of=asked_of,
    )
    return replace(partial, intent=_intent(message, read, partial, needs, asked, last))


def _updates(
    read: Read, needs: Needs, asked: Asked | None, *, supposed: bool = False
) -> tuple[Composed, tuple[str, ...]]:
    slot = asked.slot if asked else ""
    counted = quantity_votes(read.text, read.quantities, asked=slot, correcting=read.correcting)
    hardware = hardware_update(
        read.text, read.machines, needs, asked=slot, correcting=read.correcting, supposed=supposed
    )
    known = needs.updated(**hardware)
    sizes = [q for q in read.quantities if q.unit == "params"]
    earlier = needs.model.value if needs.model else None
    about = "languages" if _drops_language(read, needs) else slot
    wish = model_wish(read.text, read.models, sizes, about, earlier)
    votes = [v for v in read.votes if wish is None or not _said_of_models(v, wish)]
    composed = compose(
        read.text, (*votes, *counted.votes), read.removals, known, correcting=read.correcting, asked=slot
    )
    composed.updates |= hardware
    if wish is not None:
        _wished(read.text, wish, earlier, composed)
    unknown = tuple(
        f"“{read.text.quote(m.start, m.end)}” is not a model of the catalog."
        for m in read.models
        if m.unknown
    )
    return composed, (*counted.notes, *unknown)


def _drops_language(read: Read, needs: Needs) -> bool:
    """Whether a language that was wanted is taken back: `forget French` rules out no maker then."""
    known = set(needs.languages.value) if needs.languages else set()
    return any(r.slot == "languages" and known & set(r.value or ()) for r in read.removals)


def _said_of_models(vote: Vote, wish: Wish) -> bool:
    """Whether the words of a vote name what is ruled out or allowed: `Chinese` is then no language."""
    return vote.slot in ("languages", "features", "task") and any(
        vote.start < end and start < vote.end for start, end in wish.spans
    )


def _wished(text: Text, wish: Wish, earlier: ModelWish | None, composed: Composed) -> None:
    """Puts a wish over what stood of the models; one that takes the last of it back clears the slot."""
    value = joined_wish(earlier and wish.released.taken_from(earlier), wish.value)
    if earlier is not None and wish.released and value == ModelWish():
        composed.cleared.append("model")
        return
    quote = text.quote(wish.start, wish.end)
    composed.updates["model"] = Slot[Any](value=value, quote=quote, strength=wish.strength)


@cache
def _clear_patterns() -> tuple[tuple[re.Pattern[str], ...], tuple[tuple[str, re.Pattern[str]], ...]]:
    data = load("compose")
    names: dict[str, str] = data["slot_names"]
    every = "|".join(names.values())
    return (
        tuple(re.compile(rf"(?<!\w){p.replace('SLOT', every)}(?!\w)") for p in data["clear"]),
        tuple((slot, re.compile(pattern)) for slot, pattern in names.items()),
    )


def _cleared(message: Text, needs: Needs, updates: Updates) -> list[str]:
    """Slots that the person takes back; one that the same message fills anew is not cleared."""
    phrases, names = _clear_patterns()
    found = []
    taken: list[str] = []
    for pattern in phrases:
        for match in pattern.finditer(message.low):
            slot = next((s for s, name in names if name.fullmatch(match["slot"])), None)
            if slot is None or getattr(needs, slot) is None:
                continue
            update = updates.get(slot)
            if (
                update is None
                or update.value == getattr(needs, slot).value
                or message.quote(*match.span()) in update.quote
            ) or update.quote in message.quote(*match.span()):
                found.append(slot)
                taken.append(message.quote(*match.span()))
    for slot, said in list(updates.items()):
        # `Never mind the speed` names what is dropped; it does not ask for speed.
        if any(said.quote in words and str(said.value) in words.lower() for words in taken):
            del updates[slot]
    return found


def _task_by_example(message: Text, read: Read, asked: Asked | None, composed: Composed) -> None:
    """Names the task that was asked for by the nearest labeled example where the lexicon has found none."""
    if asked is None or asked.slot != "task" or composed.updates or insists(message):
        return
    if read.asking.questions or read.asking.what_ifs:
        return
    quote = message.clean.strip()[:120]
    name, score = nearest_by_words(message.clean[:500])
    if score < _WORDS_FLOOR:
        name = "chat"
        read.notes.append("The task was not recognized and is taken as general chat.")
    guess: Any = {"name": name, "detail": quote}
    composed.updates["task"] = Slot[Any](value=TaskNeed.model_validate(guess), quote=quote, strength="wish")


def _question(message: Text, found: Asking) -> str | None:
    spans: Sequence[Span] = sorted((*found.questions, *found.what_ifs), key=lambda s: s.start)
    return " ".join(message.quote(s.start, s.end) for s in spans) or None


def _mentions(message: Text, read: Read, last: LastAnswer | None) -> Mentions:
    ranks = pointed_ranks(message) if last is not None else ()
    ranks = tuple(r for r in ranks if last is not None and r <= len(last.models))
    models = [i for m in read.models for i in m.ids]
    if last is not None:
        models += [last.models[r - 1] for r in ranks]
    return Mentions(
        models=tuple(dict.fromkeys(models)),
        families=tuple(dict.fromkeys(m.family for m in read.models if m.family and not m.ids)),
        sizes_b=tuple(dict.fromkeys(q.value for q in read.quantities if q.unit == "params")),
        accelerators=tuple(dict.fromkeys(message.quote(m.start, m.end) for m in read.machines)),
        ranks=ranks,
    )


def _ambiguities(updates: Updates) -> tuple[Ambiguity, ...]:
    hardware = updates.get("hardware")
    if hardware is None:
        return ()
    return ambiguous_parts(hardware.value)


def _intent(
    message: Text, read: Read, got: Understanding, needs: Needs, asked: Asked | None, last: LastAnswer | None
) -> Intent:
    if got.plan is not None:
        return "ask"
    if got.critiques and (not read.asking.what_ifs or "?" not in message.low):
        return "critique"
    if got.insists and not read.asking.what_ifs:
        return "recommend_now"
    if read.asking.what_ifs and (last is not None or got.hypothetical or in_domain(message.low)):
        return "what_if"
    named = got.mentions
    known = in_domain(message.low) or bool(
        named.models or named.families or named.accelerators or named.sizes_b or named.ranks
    )
    if read.asking.questions and (known or (last is not None and about_answer(message))):
        return "ask"
    if not got.updates and not got.cleared:
        if wants_recommendation(message) or read.asking.requests:
            return "recommend_now"
        if asked is not None and not read.asking.questions and (known or asked.slot != "task"):
            return "answer"
        return "off_topic" if not known else "give_needs"
    if asked is not None and asked.slot in got.updates:
        return "answer"
    changed = [s for s in got.updates if getattr(needs, s) is not None]
    ruled = last is not None and "model" in got.updates
    if got.cleared or ruled or (changed and (read.correcting or last is not None)):
        return "change"
    if wants_recommendation(message):
        return "recommend_now"
    return "give_needs"
