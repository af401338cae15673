"""Answers to free questions without a language model: a tool where one fits, else a passage of the guides.

Where the guides do not cover a question, that is the answer; nothing is made up.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from agent.again import is_again, planned_arguments
from agent.answers import TELLERS, Teller, Told, waits_of
from agent.api_facts import api_told
from agent.api_options import first_api, of_the_api
from agent.asides import HELLO, aside_reply
from agent.bill import about_an_api, against_an_api, bill
from agent.comparing import side_by_side
from agent.intake import Intake
from agent.leading import leading_of
from agent.model_facts import FACTS
from agent.more import encoder_told, largest_told, tested_told
from agent.other_options import MOST_MODELS, best_of, by_names, each_told, other_size, others, wish_of
from agent.particulars import Particulars, particulars
from agent.plans import answer_plan
from agent.reply import Reply, from_guides
from agent.state import About, State, is_answered
from agent.terms import Term, asked_term, compared_terms
from agent.topics import topic_data, topic_of
from agent.understanding import Understanding
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from knowledge.retrieval import Retriever
from tools.brief import Brief, brief_of
from tools.candidates import evidence_json
from tools.needs import Needs
from tools.successor import successor_caveat

ALONE = ("dimensions", "successor")
"""Topics that are about a model itself, whatever was recommended."""
BILLED = ("volume", "concurrency")
"""Slots that a question of cost may set for itself: `for 2 million tokens a day?`."""
_ALL = re.compile(
    r"\b(?:these|them|they|all(?! (?:\w+ )?of us| \d| (?:my|our|the) (?:people|users|staff|colleagues)))\b",
    re.IGNORECASE,
)
"""Words for every option; `all of us` and `all 8` are people."""
MOST_TERMS = 2
MOST_WORDS = 12
"""A question of two words of the field is short; a longer one says more, and tools may know it."""
MOST_WISHED = 2
"""More models than this are a family, not a model that somebody has in mind."""
FEW_WORDS = 6
"""A question this short that names a model asks why it is not the choice."""


def guided_reply(taken: Intake, text: str, retriever: Retriever, state: State) -> Reply:
    """The reply to a message that asks something.

    Args:
        taken: the message, taken in.
        text: the message itself.
        retriever: the guides.
        state: the conversation.
    """
    read, needs = taken.read, taken.needs
    if read.intent in ("greeting", "help"):
        return Reply(HELLO, found=False)
    if read.intent == "quit":
        return Reply("Good-bye. The conversation is kept; it can be taken up again at any time.", found=False)
    if read.intent == "thanks":
        return Reply("You are welcome. Say what should be different, or ask about any figure.", found=False)
    if read.aside is not None:
        return aside_reply(
            read.aside, open_question=state.get("pending") is not None, answered=is_answered(state)
        )
    term = asked_term(text, answered=is_answered(state) and state.get("pending") is None)
    if term is not None:
        return Reply(term.text, term.citations)
    if read.plan is not None:
        return _planned(read, text, needs, state, retriever)
    supposed = needs.updated(**read.hypothetical)
    if read.intent == "what_if" and supposed != needs:
        return Reply("If that were so (your own needs stay as they are):", hypothetical=supposed)
    question = read.question or text
    against = compared_terms(question) if not (read.mentions.models or read.mentions.families) else []
    if against and len(question.split()) <= MOST_WORDS:
        return _against(against, question, retriever)
    try:
        found = _of_named_api(read, question, retriever) or _from_tools(read, question, needs, state)
    except AdvisorError as error:
        return Reply(f"{error.message} {error.hint}".strip())
    if found is None:
        # Off the advisor's topic; a document of the person's own may be about anything.
        found = from_guides(question, retriever, own_only=read.intent == "off_topic")
    if not found.found and not is_answered(state) and state.get("pending") is None:
        return Reply(f"{found.text} {HELLO}", found=False)
    return found


def _against(terms: list[Term], question: str, retriever: Retriever) -> Reply:
    """Two words of the field beside each other: what each means, and what the guides say of both."""
    meant = "\n".join(f"- {term.text}" for term in terms[:MOST_TERMS])
    citations = [c for term in terms[:MOST_TERMS] for c in term.citations]
    more = from_guides(question, retriever)
    if not more.found:
        return Reply(meant, citations)
    return Reply(
        f"{meant}\n\n{more.text}", more.citations + [c for c in citations if c not in more.citations]
    )


def _planned(read: Understanding, text: str, needs: Needs, state: State, retriever: Retriever) -> Reply:
    """The answer of a plan, with the guide's passage where its table is asked for."""
    topic = read.plan or ""
    first = next(iter(by_names(state.get("last", [])[:1])), None)
    told = encoder_told(topic, read, first, needs)
    if told is not None:
        return _beside(told, [], brief_of(needs))
    try:
        arguments = planned_arguments(topic, read, text, needs, state)
        planned = answer_plan(topic, arguments)
    except AdvisorError as error:
        return Reply(f"{error.message} {error.hint}".strip())
    about = About(topic=topic, arguments=arguments.as_json())
    reply = Reply(planned.text, planned.citations, call=planned.call, about=about)
    more = from_guides(read.question or text, retriever) if planned.about_table else None
    if more is None or not more.found:
        return reply
    return replace(
        reply, text=f"{planned.text}\n\n{more.text}", citations=[*more.citations, *planned.citations]
    )


def _from_tools(read: Understanding, question: str, needs: Needs, state: State) -> Reply | None:
    """The answer of a tool, where the question is about a model, a family, a size or a price."""
    topic, about = topic_of(question) or ("", "none")
    asked = particulars(question, read)
    again = asked.any and is_again(question) and is_answered(state) and not read.mentions.models
    if again:
        return _again(asked, needs, state)
    shown = set(state.get("last", []))
    elsewhere = [m for m in by_names(list(read.mentions.models)) if m.name not in shown]
    if topic == "guide" or (topic == "price" and elsewhere):
        return None
    brief = brief_of(needs)
    if (
        topic == "price"
        and (not about_an_api(question) or against_an_api(question))
        and (is_answered(state) or needs.as_json())
    ):
        return _bill(needs, brief, read, state)
    models = _models_meant(read, question, about, state)
    against = side_by_side(read, question, asked.over(brief), state.get("last", []))
    if against is not None:
        return _beside(against, models if topic == "compare" else [], asked.over(brief))
    alone = topic in ALONE or (topic in FACTS and (asked.any or not is_answered(state)))
    asked = _completed(asked, needs, brief)
    if models and alone:
        tell = FACTS[topic]
        return each_told(lambda model, given: tell(model, given, asked), models, asked.over(brief))
    if models and (topic in TELLERS or (read.mentions.models and len(question.split()) <= FEW_WORDS)):
        told = each_told(_teller(topic, "why_not", asked), models, asked.over(brief))
        return replace(told, about=About(topic=topic, models=[m.name for m in models]))
    return _of_the_answer(read, question, needs, state, asked) if is_answered(state) else None


def _of_the_answer(
    read: Understanding, question: str, needs: Needs, state: State, asked: Particulars
) -> Reply | None:
    """The answer to what puts the recommendation as a whole to the test."""
    topic, about = topic_of(question) or ("", "none")
    brief = brief_of(needs)
    first = next(iter(by_names(state.get("last", [])[:1])), None)
    tested = tested_told(topic, asked, question, first, needs)
    if tested is not None:
        return _beside(tested, [], brief)
    leading = leading_of(question, needs)
    if leading is not None:
        return _beside(leading, [], brief)
    if topic == "largest" and brief.machine is not None:
        return _beside(largest_told(brief.machine, brief), [], brief)
    if topic == "others":
        return others(brief)
    if topic in ("larger", "smaller"):
        wish = other_size(state, larger=topic == "larger")
        return best_of(wish, brief) if wish is not None else None
    if topic == "why_not" or (not topic and len(question.split()) <= FEW_WORDS):
        wish = wish_of(read)
        if wish is not None:
            return best_of(wish, brief)
    if topic == "price" or (topic in TELLERS and about != "none"):
        return of_the_api(brief, asked_price=topic == "price")
    return None


def _of_named_api(read: Understanding, question: str, retriever: Retriever) -> Reply | None:
    """Present facts of an API model that is named, and what the guides say of it."""
    topic, _ = topic_of(question) or ("", "")
    about_price = topic == "price"
    told = (
        api_told(question, about_price=about_price)
        if topic in topic_data()["api_topics"] and not read.mentions.models
        else None
    )
    if told is None:
        return None
    text, evidence = told
    more = from_guides(question, retriever)
    beside = f"\n\n{more.text}" if more.found else ""
    return Reply(f"{text}{beside}", [*more.citations, *(evidence_json(e) for e in evidence)])


def _again(asked: Particulars, needs: Needs, state: State) -> Reply | None:
    """The last question, or where the recommended model runs, under the conditions that are named now."""
    last = state.get("about") or About()
    topic = last.get("topic", "")
    models = by_names(last.get("models", []) or state.get("last", [])[:1])
    if not models:
        return None
    usual = "first_token" if asked.prompt is not None else "memory"
    told = each_told(_teller(topic, usual, asked), models, asked.over(brief_of(needs)))
    where = f"On {asked.machine.name}: " if asked.machine is not None else ""
    about = About(topic=topic, models=[m.name for m in models])
    return replace(told, text=f"{where}{told.text}", about=about)


def _teller(topic: str, usual: str, asked: Particulars) -> Teller:
    """What tells of a topic, after the prompt that a question names."""
    if asked.prompt is not None and (topic == "first_token" or topic not in TELLERS):
        return partial(waits_of, prompt=asked.prompt)
    return TELLERS.get(topic, TELLERS[usual])


def _completed(asked: Particulars, needs: Needs, brief: Brief) -> Particulars:
    """What a question is asked under: its own words, then the machine and the task that were said before."""
    machine = brief.machine if needs.hardware is not None else None
    task = needs.task.value.name if needs.task is not None else None
    return replace(asked, machine=asked.machine or machine, task=asked.task or task)


def _models_meant(read: Understanding, question: str, about: str, state: State) -> list[ModelRecord]:
    """The models a question is about: named ones, then places in the last recommendation, then the usual."""
    catalog = load_catalog()
    last = state.get("last", [])
    named = [catalog.by_id[i.lower()] for i in read.mentions.models if i.lower() in catalog.by_id]
    pointed = by_names([last[r - 1] for r in read.mentions.ranks if 0 < r <= len(last)])
    if named or pointed:
        return list({model.id: model for model in named + pointed}.values())
    if about == "first" and _ALL.search(question):
        about = "all"
    count = {"first": 1, "two": 2, "all": MOST_MODELS}.get(about, 0)
    if not count and re.search(topic_data()["pointing"], question, re.IGNORECASE):
        count = 1
    return by_names(last[:count])


def told_of_wish(read: Understanding, needs: Needs) -> Reply | None:
    """What there is to know of an older model that is wished for, where newer ones beat it."""
    wish = read.updates.get("model")
    named = wish.value.named if wish is not None else ()
    if not 0 < len(named) <= MOST_WISHED:
        return None
    task = needs.task.value.name if needs.task is not None else None
    models = [load_catalog().by_id[i.lower()] for i in named if successor_caveat(i, task) is not None]
    if not models:
        return None
    asked = Particulars(task=task)
    return each_told(lambda model, given: FACTS["successor"](model, given, asked), models, brief_of(needs))


def _beside(against: Told, models: list[ModelRecord], brief: Brief) -> Reply:
    """Which option comes first and why, with a line for each where they were to be compared."""
    text, evidence = against
    citations = [evidence_json(e) for e in evidence]
    if not models:
        return Reply(text, citations)
    each = each_told(TELLERS["compare"], models, brief)
    return Reply(f"{text}\n\n{each.text}", citations + [c for c in each.citations if c not in citations])


def _bill(needs: Needs, brief: Brief, read: Understanding, state: State) -> Reply | None:
    """What the recommended configuration costs, or the option that is named, beside the best API."""
    named = next((m.name for m in by_names(list(read.mentions.models))), None)
    wanted = {slot: read.asked_of[slot] for slot in BILLED if slot in read.asked_of}
    needs = needs.updated(**wanted)
    alike = brief.role == "generator" and not brief.private
    api = first_api(brief_of(needs)) if alike else None
    return bill(needs, api, known=is_answered(state), named=named)
