"""Short questions that ask the last one again under other conditions: `and on a 4090?`, `with 64k?`."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.evaluations import with_pass_rate
from agent.plan_arguments import Arguments, arguments_of, asked_with
from agent.state import State
from agent.understanding import Understanding
from tools.needs import Needs

MOST_WORDS = 9
AGAIN = re.compile(
    r"^(?:(?:and|or|but|so|ok(?:ay)?|then|now)[, ]+)*"
    r"(?:(?:what|how) about|and|with|for|on|at|in|under|using|if|und|mit|auf|bei)\b",
    re.IGNORECASE,
)


def is_again(text: str) -> bool:
    """Whether a message can only be understood as the last question under other conditions."""
    said = text.strip()
    return len(said.split()) <= MOST_WORDS and AGAIN.match(said) is not None


def planned_again(read: Understanding, text: str, needs: Needs, state: State) -> Arguments | None:
    """The arguments of the last plan with those that a message changes; None where it changes none."""
    about = state.get("about")
    if not about or "arguments" not in about or not is_again(text):
        return None
    topic, last = about["topic"], state.get("last", [])
    if read.plan not in (None, topic):
        return None
    said = arguments_of(topic, asked_with(read, text, needs, last))
    nothing = arguments_of(topic, asked_with(Understanding(), "", needs, last))
    changed = {k: v for k, v in said.values.items() if nothing.values.get(k) != v}
    if not changed:
        return None
    return Arguments({**about["arguments"], **changed}, [n for n in said.assumed if n not in nothing.assumed])


def planned_arguments(topic: str, read: Understanding, text: str, needs: Needs, state: State) -> Arguments:
    """The arguments of a plan: the last ones where a message changes them, else those of what was said."""
    arguments = planned_again(read, text, needs, state)
    if arguments is None:
        arguments = arguments_of(topic, asked_with(read, text, needs, state.get("last", [])))
    return with_pass_rate(topic, arguments, state)


def asking_again(read: Understanding, text: str, needs: Needs, state: State) -> Understanding:
    """The message as a question for the last plan, where it is one."""
    if planned_again(read, text, needs, state) is None:
        return read
    about = state.get("about") or {}
    owned = {slot: said for slot, said in read.updates.items() if slot == "hardware"}
    return replace(
        read, plan=about["topic"], intent="ask", updates=owned, hypothetical={}, critiques=(), ambiguous=()
    )
