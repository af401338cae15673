"""What a message says to a measurement that was proposed: yes, no, a question about it, or its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agent.consent import LEFT
from agent.naming import meant, mentions
from agent.proposing_words import left_words
from agent.state import Offer, Outcome, State, is_answered, spoken

Tool = Literal["bench", "evaluate"]
Kind = Literal["run", "leave", "look"]
MOST_SIGNS = 300
"""A longer message says something of its own."""
_BETWEEN = r"[\s,.!;:\u2026-]+"
_GO = (
    r"(?:yes|yeah|yep|yup|yea|y|k|ok|okay|sure|fine|al(?:l )?right|of course|absolutely|definitely|"
    r"please|pls|(?:please )?(?:do|run|start|try|go|begin)(?: (?:it|that|so|this|them|ahead|on|for it))?"
    r"(?: (?:now|then))?|let'?s (?:go|do (?:it|that|this)|try(?: it)?)|why not|sounds good|\U0001f44d|"
    r"ja|jo|jawohl|klar|gern|gerne|los|leg los|los geht'?s|mach(?:'s| das| es| mal| schon)?|bitte|"
    r"oui|d'accord|vas-y|s\u00ed|si|vale|dale|claro|s\u00ec|va bene|sim|\u0434\u0430|\u597d|\u597d\u7684|"
    r"\u662f|\u306f\u3044)"
)
_STOP = (
    r"(?:no|nope|nah|na|n|stop|cancel|no (?:measur|bench|evaluat)\w+|never ?mind|not (?:now|yet|today)|"
    r"(?:maybe |perhaps )?later|(?:another|(?:some )?other) time|skip(?: it| that| this)?|leave it|"
    r"let it be|forget it|rather not|no need|"
    r"(?:please )?(?:don'?t|do not)(?: (?:do|run|measure|bench|evaluate)(?: it| that)?)?|"
    r"nein|nee|n\u00f6|lieber nicht|jetzt nicht|nicht jetzt|sp\u00e4ter|vielleicht sp\u00e4ter|"
    r"non|plus tard|pas maintenant|ahora no|m\u00e1s tarde|n\u00e3o|\u043d\u0435\u0442|\u4e0d|"
    r"\u3044\u3044\u3048)"
)
_THANKS = r"(?:thanks|thank you|thx|danke|merci|gracias)"
_ASKS = r"(?:(?:can|could|would|will) you (?:please )?|i(?:'d| would) like (?:you )?to |please )?"
_WHAT = (
    r"(?:it|them|both|all|that|this|these|now|here|please|again|for me|the (?:two|three|speeds?|models?)|"
    r"how fast (?:it|they) (?:is|are)|(?:on|with) (?:my|this) (?:own )?(?:machine|computer|pc|laptop))"
)
_MEASURE = (
    rf"/?{_ASKS}(?:(?:run|start|do|make) (?:the |a )?(?:measurements?|bench(?:mark)?s?)|measure|"
    rf"bench(?:mark)?|messen|miss(?: es| das)?)(?:[\s,]+{_WHAT})*"
)
_FILE = (
    r"[`\"']?(?P<file>[^\s`\"'][^`\"']*?\.(?:ya?ml|jsonl|ndjson)|"
    r"classification|code|extraction|retrieval|support)[`\"']?"
)
_EVALUATE = (
    rf"/?{_ASKS}(?:(?:run|start|do) (?:the |an )?evaluation|evaluate)"
    r"(?: (?:it|them|that|this|these|now|here|again|please|the (?:base|model)))*"
    r"(?: (?:(?:on|with|against) )?(?:(?:my|our|the)(?: own)? (?:file |scenarios |rubric )?"
    rf"(?:in |from )?)?{_FILE}(?: (?:example|rubric|scenarios))?)?(?:[\s,]+please)?"
)
_ONE = r"(?:it|that|this|the (?:measurement|evaluation))"
_TIME = (
    r"(?:how long|how much time|wie lange)(?: (?:will|would|does|do|is|it|that|this|the|measurement|"
    r"measuring|evaluation|going|to|take|takes|last|need|run|for|dauert|braucht|das|es|denn))*"
)
_ABOUT = (
    r"what (?:exactly )?(?:(?:will|would|do) you (?:measure|run|do|evaluate|send)|(?:is|will be) measured)|"
    r"(?:what|how|why) (?:is |about )?(?:the|this|that) (?:measurement|evaluation)"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})[\s?!.]*", re.IGNORECASE)


_COST = _whole(
    rf"(?:(?:and|but|so|ok(?:ay)?)[\s,]+){{0,3}}(?:(?:what|how much) (?:does|will|would|do) {_ONE} cost"
    rf"(?: me)?|"
    rf"(?:is|will) {_ONE}(?: be)? free|does {_ONE} cost (?:anything|something|money|me anything)|"
    r"was kostet (?:das|es))"
)
_MEASURING = _whole(rf"(?:{_GO}{_BETWEEN}){{0,3}}{_MEASURE}")
_EVALUATING = _whole(rf"(?:{_GO}{_BETWEEN}){{0,3}}{_EVALUATE}")
_NAMING = re.compile(
    rf"(?:{_GO}{_BETWEEN}){{0,3}}/?{_ASKS}(?:(?:run|start|do) (?:the |a )?(?:measurement|bench(?:mark)?) "
    r"(?:of|on|for|with)|measure|bench(?:mark)?|messen|miss)\s+",
    re.IGNORECASE,
)
_BESIDE_NAMES = re.compile(
    r"(?:[\s,;:.!?&+/()`\"'*-]|\b(?:and|und|et|y|plus|please|bitte|here|now|both|too|as well|instead|first|"
    r"how fast|the speed of|is|are|for me|on (?:my|this) (?:own )?(?:machine|computer|pc|laptop))\b)*",
    re.IGNORECASE,
)
# Repeats are bounded, so that no message makes a pattern try without end.
# "ok, thanks" takes note of an answer; only a plain yes goes with thanks.
_YES = _whole(rf"{_GO}(?:{_BETWEEN}{_GO}){{0,3}}|(?:yes|yeah|yep|yup|sure|ja|oui|s\u00ed){_BETWEEN}{_THANKS}")
_NO = _whole(
    rf"(?:(?:{_THANKS}|ok|okay|well){_BETWEEN}(?:but )?)?{_STOP}"
    rf"(?:{_BETWEEN}(?:{_STOP}|{_THANKS}|please|bitte|maybe)){{0,3}}"
)
_QUESTION = _whole(
    rf"(?:(?:and|but|so|{_GO}){_BETWEEN}){{0,3}}(?:and |but )?(?:{_TIME}|{_ABOUT})"
    rf"(?: and (?:{_TIME}|what does it cost))?"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says to a proposal, or instead of one."""

    kind: Kind
    """Run what was proposed; leave it; or propose, because the person asks for it or about it."""
    tool: Tool = "bench"
    rubric: str = ""
    """The person's own file of scenarios, or the name of an example."""
    models: tuple[str, ...] = ()
    """Names of the models to measure, as they were written; empty for those of the recommendation."""


def heard(text: str, state: State) -> Heard | None:
    """What a message means for the measurement that was proposed; None where it is about something else."""
    said, offer = text.strip(), state.get("offered")
    if state.get("pending") is not None or len(said) > MOST_SIGNS:
        return None  # a question waits, and this may well be its answer
    named: Tool | None = "bench" if _MEASURING.fullmatch(said) else None
    evaluating = _EVALUATING.fullmatch(said)
    if evaluating is not None:
        named = "evaluate"
    if named is not None:
        rubric = (evaluating["file"] or "") if evaluating is not None else ""
        same = offer is not None and offer["tool"] == named and rubric in ("", offer.get("rubric", ""))
        if same and offer is not None:
            # What costs money is told again where something else was said since.
            return _on(offer) if offer.get("fresh") or not offer.get("max_usd") else _looked_at(offer)
        # The time and the cost of something else are told before it runs.
        return Heard("look", named, rubric) if is_answered(state) else None
    if names := _named(said):
        if offer is not None and _are(names, offer):
            return _on(offer)
        return Heard("look", models=names) if is_answered(state) else None
    if offer is None or not offer.get("fresh"):
        return None
    if _YES.fullmatch(said):
        return _on(offer)
    if _QUESTION.fullmatch(said):
        return _looked_at(offer)
    return Heard("leave", _tool(offer)) if _NO.fullmatch(said) else None


def asks_cost(text: str, state: State) -> Offer | None:
    """The fresh proposal, where a message asks what `it` costs, which may as well mean the models."""
    offer = state.get("offered")
    fresh = offer is not None and offer.get("fresh") and state.get("pending") is None
    return offer if fresh and _COST.fullmatch(text.strip()) else None


def passed_over(state: State) -> Offer | None:
    """The proposal after a turn about something else: it stands, but a bare yes no longer means it."""
    offer = state.get("offered")
    return None if offer is None else Offer(**{**offer, "fresh": False})


def answered(said: Heard, text: str, state: State) -> State:
    """The way on from an answer to a proposal."""
    messages = [*state.get("messages", []), spoken("user", text)]
    if said.kind != "leave":
        return State(messages=messages, route="measure", outcome=Outcome())
    left = Outcome(kind="reply", text=f"{LEFT} {left_words(said.tool)}")
    return State(messages=messages, route="respond", outcome=left, offered=passed_over(state))


def cut_off(state: State) -> State:
    """The change after a measurement that ended with the program: it is told, and waits for a word again."""
    offer = state.get("offered")
    name = "evaluate" if offer is not None and offer["tool"] == "evaluate" else "measure"
    told = f"That was cut off when the program ended; what was finished is kept. Say **{name}** to go on."
    messages = [*state.get("messages", []), spoken("advisor", told)]
    paid = offer is not None and bool(offer.get("max_usd"))
    return State(messages=messages, outcome=Outcome(), offered=passed_over(state) if paid else offer)


def _on(offer: Offer) -> Heard:
    """A yes: what can run does; what could not is looked at again, it may have been pulled meanwhile."""
    return Heard("run", _tool(offer)) if offer.get("models") else _looked_at(offer)


def _looked_at(offer: Offer) -> Heard:
    return Heard("look", _tool(offer), offer.get("rubric", ""), tuple(offer.get("named", ())))


def _named(said: str) -> tuple[str, ...]:
    """The models of `measure NAME and NAME`; empty where the words hold anything else."""
    begin = _NAMING.match(said)
    if begin is None:
        return ()
    names, rest, last = mentions(said[begin.end() :]), "", 0
    for name in names:
        rest += f"{said[begin.end() + last : begin.end() + name.start]} "
        last = name.end
    rest += said[begin.end() + last :]
    return tuple(name.text for name in names) if _BESIDE_NAMES.fullmatch(rest) else ()


def _are(names: tuple[str, ...], offer: Offer) -> bool:
    """Whether names are the models of a measurement of speed that was proposed, all of them and no others."""
    if offer["tool"] != "bench" or len(names) != len(offer["models"]):
        return False
    return all(
        any(
            row["tag"] == name or any(row["model_id"] in meant(one) for one in mentions(name))
            for name in names
        )
        for row in offer["models"]
    )


def _tool(offer: Offer) -> Tool:
    return "evaluate" if offer["tool"] == "evaluate" else "bench"
