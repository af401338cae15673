"""A language model behind the conversation: it words what code decided and answers questions with the tools.

It never has the last word on a fact: every text is held against what it was made from, gets one chance of
repair, and is dropped for the guided wording where it still holds something unfounded.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agent import llm_client
from agent.events import Delta, Failure, Status
from agent.grounding import Evidence, cited_sentences, lost, miscited, unfounded
from agent.llm_client import Limits, Reply, Watch
from agent.llm_errors import named
from agent.llm_stream import may_be_call, text_call
from agent.llm_tools import ToolDesk
from agent.profiles import Profile, read_profile
from agent.prompts import prompt
from agent.reply import named_guide, passage_citation
from agent.voice import Emit, Spoken, VoiceError
from knowledge.retrieval import Passage, Retriever
from tools.claims.beside import disagreements
from tools.needs import Needs
from tools.registry import TOOLS, functions

ROUNDS = 4
"""Requests of one answer in which the model may call tools; one more follows without them."""
CHARACTERS_PER_TOKEN = 3.2
"""Low on purpose: JSON and other languages than English take more tokens than English prose."""
FULL = 0.8
"""Share of the context for prompt and answer; servers cut the front of a longer prompt without a word."""
MOST_PROBLEMS = 12
MOST_QUOTED = 400
"""Characters of the person's message that a wording is told."""
MOST_ASKED = 4_000
"""Characters of a question."""
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+(?!\[\d)|\n+")
"""A mark after the full stop belongs to the sentence before it."""
_MARKS = re.compile(r"\s?\[(\d+(?:\s*,\s*\d+)*)\]")
Messages = list[dict[str, Any]]


class LiteLlmVoice:
    """A model of any provider that LiteLLM knows; fulfils `agent.voice.Voice`."""

    def __init__(self, model: str, retriever: Retriever, limits: Limits | None = None) -> None:
        """Nothing is imported or asked before the first use.

        Args:
            model: `ollama_chat/NAME`, or a model as LiteLLM names it.
            retriever: the guides that the model may search.
            limits: how long to wait.
        """
        self.model = model
        self._retriever = retriever
        self._limits = limits or Limits()
        self._profile: Profile | None = None
        self._told = False

    async def word(self, draft: str, emit: Emit, said: str = "") -> str:
        """The draft in the model's words; see `agent.voice.Voice.word`."""
        profile = await self._ready(emit)
        messages = _opening("word", f"{_quoted(said)}Draft:\n{draft}")
        reply = await self._ask(profile, messages, None, emit, emit)
        text = reply.text or (await self._ask(profile, messages, None, emit, emit)).text
        if not text:
            raise named("empty", profile.server, profile.name, profile.provider)
        evidence = await asyncio.to_thread(_evidence, [draft, said])

        def problems(worded: str) -> list[str]:
            return unfounded(worded, evidence) + lost(worded, draft)

        return await self._sound(profile, messages, text, problems, emit)

    async def answer(self, question: str, needs: Needs, draft: str, emit: Emit) -> Spoken:
        """An answer to a free question; see `agent.voice.Voice.answer`."""
        profile = await self._ready(emit)
        desk = ToolDesk(self._retriever, emit)
        bare = _MARKS.sub("", draft)  # its marks would clash with the numbers of the passages found here
        known = json.dumps({k: v.get("value") for k, v in needs.as_json().items()}, ensure_ascii=False)
        asked = f"The person asks: {question[:MOST_ASKED]}"
        request = f"{asked}\n\nWhat is known of the person: {known}\n\nDraft:\n{bare}"
        text = await self._with_tools(profile, request, desk, emit)
        if not text and not desk.given:
            await desk.look_up(question)
        messages = _opening("answer", _with_facts(request, desk.given))
        text = text or (await self._ask(profile, messages, None, emit, emit)).text
        if not text:
            raise named("empty", profile.server, profile.name, profile.provider)
        evidence = await asyncio.to_thread(_evidence, [question, known, bare, *desk.given])
        computed = [question, known, _unquoted(bare)]
        other = await asyncio.to_thread(_evidence, [*computed, *desk.computed])
        # What only an own guide says must be marked as its words, wherever it comes up.
        vouched = await asyncio.to_thread(_evidence, [*computed, *desk.vouched])
        cited = await asyncio.to_thread(lambda: [_evidence([_whole(p)]) for p in desk.passages])

        def problems(worded: str) -> list[str]:
            silent = unfounded(_without_marked(worded, desk.own), vouched)
            return list(dict.fromkeys(unfounded(worded, evidence) + silent + miscited(worded, cited, other)))

        text = await self._sound(profile, messages, text, problems, emit)
        return await asyncio.to_thread(_cited, text, desk)

    async def close(self) -> None:
        """Closes LiteLLM's connections; must run before the event loop ends."""
        await llm_client.close()

    def warm(self) -> None:
        """Begins to import LiteLLM in the background."""
        import threading

        threading.Thread(target=llm_client.load, name="litellm", daemon=True).start()

    async def _ready(self, emit: Emit) -> Profile:
        """The profile, read again each turn until it could be read once."""
        if self._profile is None:
            self._profile = await read_profile(self.model)
            if self._profile.note:
                emit(Status(self._profile.note))
        return self._profile

    async def _with_tools(self, profile: Profile, request: str, desk: ToolDesk, emit: Emit) -> str:
        """The tool loop's answer; "" where the model said nothing, cannot call tools or would not stop."""
        if not profile.tools:
            self._without_tools(named("no_tools", profile.server, profile.name, profile.provider), emit)
            return ""
        messages = _opening("answer", request)
        for _ in range(ROUNDS):
            try:
                reply = await self._ask(profile, messages, functions(), emit, emit)
            except VoiceError as error:
                if error.code == "no_tools":
                    self._without_tools(error, emit)
                elif error.code != "context_full":
                    raise
                return ""  # without the list of tools the rest may still fit
            written = None if reply.calls else text_call(reply.text, _TOOL_NAMES)
            calls = [written] if written is not None else reply.calls
            if not calls:
                return reply.text
            for call in calls:
                call.id = f"{call.id}_{len(messages)}"  # some servers begin to count again in each reply
            said = [call.as_message() for call in calls]
            messages.append({"role": "assistant", "content": "", "tool_calls": said})
            for call in calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": await desk.run(call)})
            if desk.left <= 0:
                break
        return ""

    def _without_tools(self, error: VoiceError, emit: Emit) -> None:
        """Remembers that this model cannot call tools, and says so once."""
        if self._profile is not None:
            self._profile = replace(self._profile, tools=False)
        if not self._told:
            self._told = True
            emit(Failure(error.code, error.message, error.hint))

    async def _sound(
        self,
        profile: Profile,
        messages: Messages,
        text: str,
        problems: Callable[[str], list[str]],
        emit: Emit,
    ) -> str:
        """The text where it is sound, else a repaired one.

        Raises:
            VoiceError: the repair was not sound either.
        """
        found = await asyncio.to_thread(problems, text)
        if not found:
            return text
        emit(Status("checking the wording"))
        listed = "\n".join(f"- {problem}" for problem in found[:MOST_PROBLEMS])
        asked = prompt("repair").replace("{problems}", listed)
        turns = [{"role": "assistant", "content": text}, {"role": "user", "content": asked}]
        repaired = (await self._ask(profile, [*messages, *turns], None, emit, None)).text
        left = await asyncio.to_thread(problems, repaired)
        if left or not repaired:
            raise VoiceError(
                "ungrounded",
                f"{profile.name} left something out or said what no tool gave; the built-in words stand.",
                f"For example: {(left or found)[0]}",
            )
        return repaired

    async def _ask(
        self,
        profile: Profile,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        emit: Emit,
        show: Emit | None,
    ) -> Reply:
        """One request. `show` gets the text as it comes in; None keeps it to ourselves."""
        held = ""
        shown = False

        def on_text(piece: str) -> None:
            nonlocal held, shown
            if show is None:
                return
            held += piece
            if shown or not may_be_call(held):
                shown = True
                show(Delta(held))
                held = ""

        watch = Watch(
            on_text,
            lambda: emit(Status(profile.waiting)),
            lambda: emit(Status("the model is thinking")),
        )
        fitted = fit_messages(messages, tools, profile)
        reply = await llm_client.complete(profile, fitted, tools, watch, self._limits)
        if reply.cut_short and not reply.calls:
            raise named("too_long", profile.server, profile.name, profile.provider)
        if held.strip() and show is not None and not reply.calls and not text_call(reply.text, _TOOL_NAMES):
            show(Delta(held))
        return reply


_TOOL_NAMES = frozenset(tool.name for tool in TOOLS)


def _quoted(said: str) -> str:
    """The person's last message, for its language; a long one shows it by its beginning."""
    return f"The person wrote: {said[:MOST_QUOTED]}\n\n" if said.strip() else ""


def _with_facts(request: str, given: list[str]) -> str:
    """The request with what the tools gave, without the calls: every model reads that."""
    return "\n\n".join([request, "Facts:", *given]) if given else request


def _opening(name: str, request: str) -> Messages:
    return [{"role": "system", "content": prompt(name)}, {"role": "user", "content": request}]


def _evidence(texts: list[str]) -> Evidence:
    evidence = Evidence()
    for text in texts:
        evidence.add(text)
    return evidence


def _tokens(value: object) -> int:
    """About how many tokens a part of a request takes."""
    return int(len(json.dumps(value, ensure_ascii=False)) / CHARACTERS_PER_TOKEN) + 4


def fit_messages(messages: Messages, tools: list[dict[str, Any]] | None, profile: Profile) -> Messages:
    """The messages, with the oldest tool results left out where the context would be full.

    Raises:
        VoiceError: even then they do not fit.
    """
    room = int(profile.context * FULL) - profile.answer_tokens - (_tokens(tools) if tools else 0)
    fitted = list(messages)
    for place, message in enumerate(messages):
        if sum(map(_tokens, fitted)) <= room:
            break
        if message["role"] == "tool":
            fitted[place] = message | {"content": '{"note":"left out: too long ago"}'}
    if sum(map(_tokens, fitted)) > room:
        raise named("context_full", profile.server, profile.name, profile.provider)
    return fitted


def _cited(text: str, desk: ToolDesk) -> Spoken:
    """The answer with its marks numbered by first use, and the passages they stand for; unknown marks go."""
    order: list[int] = []

    def renumber(match: re.Match[str]) -> str:
        numbers = [int(n) for n in match[1].split(",")]
        known = [n for n in numbers if 0 < n <= len(desk.passages)]
        order.extend(n for n in known if n not in order)
        marks = ", ".join(str(order.index(n) + 1) for n in known)
        return f" [{marks}]" if marks else ""

    said: dict[int, str] = {}
    for sentence, numbers in cited_sentences(text):
        for number in numbers:
            said[number] = f"{said.get(number, '')} {sentence}".strip()
    text = _MARKS.sub(renumber, text).strip()
    passages = [desk.passages[n - 1] for n in order]
    citations = [passage_citation(p, said.get(n, "")) for n, p in zip(order, passages, strict=True)]
    return Spoken(text + _own_words(passages), citations)


def _whole(passage: Passage) -> str:
    """What a citation of a passage may rest on: its headings, its words, what the tools say to them."""
    return "\n".join((*passage.heading, passage.text, *(str(one["text"]) for one in disagreements(passage))))


def _own_words(passages: list[Passage]) -> str:
    """That what is marked so is the person's own document speaking."""
    own = [f"[{n}] is {named_guide(p)}." for n, p in enumerate(passages, 1) if p.origin == "own"]
    return "\n\n" + " ".join(own) if own else ""


def _unquoted(draft: str) -> str:
    """A draft without what it quotes of own guides."""
    return "\n".join(line for line in draft.split("\n") if not line.startswith(">"))


def _without_marked(text: str, numbers: tuple[int, ...]) -> str:
    """A text without the sentences that are marked with one of the numbers."""
    marked = frozenset(map(str, numbers))

    def is_marked(sentence: str) -> bool:
        return any(marked.intersection(re.findall(r"\d+", found[1])) for found in _MARKS.finditer(sentence))

    return "\n".join(s for s in _SENTENCE_ENDS.split(text) if not is_marked(s))
