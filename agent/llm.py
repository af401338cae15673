"""A language model behind the conversation: it words what code decided and answers questions with the tools.

It never has the last word on a fact: every text is held against what it was made from, gets one chance of
repair, and is dropped for the guided wording where it still holds something unfounded.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from agent import llm_client
from agent.events import Delta, Status
from agent.grounding import Evidence, cited_sentences, lost, miscited, unfounded
from agent.llm_client import Limits, Reply, Watch
from agent.llm_errors import named
from agent.llm_loop import answer_in_form, answer_with_calls
from agent.llm_reading import Reader
from agent.llm_stream import may_be_call, text_call
from agent.llm_tools import MOST_PASSAGES, ToolDesk
from agent.profiles import Profile, read_profile, split_model
from agent.prompts import prompt
from agent.reply import passage_citation
from agent.understanding import Asked
from agent.understanding.by_model import Inferred, folded
from agent.voice import Emit, Spoken, VoiceError
from knowledge.retrieval import Passage, Retriever
from knowledge.settings import load_settings
from knowledge.wording_counts import WordingCounts, count_wording
from tools.claims.beside import disagreements
from tools.needs import Needs
from tools.registry import GUARDED, TOOLS

CHARACTERS_PER_TOKEN = 3.2
"""Low on purpose: JSON and other languages than English take more tokens than English prose."""
FULL = 0.8
"""Share of the context for prompt and answer; servers cut the front of a longer prompt without a word."""
MOST_PROBLEMS = 12
MOST_QUOTED = 400
"""Characters of the person's message that a wording is told."""
MOST_ASKED = 4_000
"""Characters of a question."""
_MARKS = re.compile(r"\s?\[(\d+(?:\s*,\s*\d+)*)\]")
Messages = list[dict[str, Any]]
T = TypeVar("T")


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
        self._limits = limits or Limits(understanding=load_settings().understanding_seconds)
        self._profile: Profile | None = None
        self._reader: Reader | None = None
        self._forms: bool | None = None

    async def understand(self, text: str, needs: Needs, asked: Asked | None, emit: Emit) -> Inferred | None:
        """What a message says; see `agent.voice.Voice.understand`."""
        try:
            profile = await self._ready(emit)
            # Neither the import nor what Ollama is asked at first is the model's own slowness.
            await asyncio.to_thread(llm_client.load)
        except VoiceError:
            return None

        async def ask(messages: Messages, form: dict[str, Any]) -> Reply:
            return await self._ask(profile, messages, None, emit, None, form)

        self._reader = self._reader or Reader(ask, self._limits.understanding)
        return await self._reader.read(text, needs, asked) if self._reader.ready else None

    async def word(self, draft: str, emit: Emit, said: str = "") -> str:
        """The draft in the model's words; see `agent.voice.Voice.word`."""
        return await self._bounded(self._word(draft, emit, said))

    async def answer(self, question: str, needs: Needs, draft: str, emit: Emit) -> Spoken:
        """An answer to a free question; see `agent.voice.Voice.answer`."""
        return await self._bounded(self._answer(question, needs, draft, emit))

    async def _bounded(self, work: Awaitable[T]) -> T:
        """The work within the time of an answer, however many requests it takes."""
        try:
            async with asyncio.timeout(self._limits.total):
                return await work
        except TimeoutError:
            provider, name = split_model(self.model)
            server = self._profile.server if self._profile is not None else provider or name
            raise named("timeout", server, name, provider) from None

    async def _word(self, draft: str, emit: Emit, said: str) -> str:
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

    async def _answer(self, question: str, needs: Needs, draft: str, emit: Emit) -> Spoken:
        profile = await self._ready(emit)
        desk = ToolDesk(self._retriever, emit, question)
        bare = _MARKS.sub("", draft)  # its marks would clash with the numbers of the passages found here
        known = json.dumps({k: v.get("value") for k, v in needs.as_json().items()}, ensure_ascii=False)
        asked = f"The person asks: {question[:MOST_ASKED]}"
        request = f"{asked}\n\nWhat is known of the person: {known}\n\nDraft:\n{bare}"
        text = await self._with_tools(profile, question, request, desk, emit)
        if desk.wish is not None:
            return Spoken("", wish=desk.wish)
        if not text and not desk.given:
            await desk.look_up(question)
        messages = _opening("answer", _with_facts(request, desk.given))
        text = text or (await self._ask(profile, messages, None, emit, emit)).text
        if not text:
            raise named("empty", profile.server, profile.name, profile.provider)
        added = await asyncio.to_thread(self._added_guides, question, desk)
        ours, quoted = _told_apart(bare, added)
        known_facts = [question, known, ours, *desk.computed]
        evidence = await asyncio.to_thread(_evidence, known_facts, desk.passages, quoted)
        other = await asyncio.to_thread(_evidence, known_facts)
        cited = await asyncio.to_thread(lambda: [_evidence([_whole(p)]) for p in desk.passages])

        def problems(worded: str) -> list[str]:
            return unfounded(worded, evidence) + miscited(worded, cited, other)

        text = await self._sound(profile, messages, text, problems, emit)
        return await asyncio.to_thread(_cited, text, desk)

    def _added_guides(self, question: str, desk: ToolDesk) -> list[Passage]:
        """Passages that are not ours and that the draft or the answer may rest on."""
        found = self._retriever.search(question, MOST_PASSAGES).passages
        return [passage for passage in (*found, *desk.passages) if passage.origin != "shipped"]

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

    async def _with_tools(
        self, profile: Profile, question: str, request: str, desk: ToolDesk, emit: Emit
    ) -> str:
        """The tool loop's answer; "" where the model said nothing or would not stop."""

        async def ask(
            messages: Messages, tools: list[dict[str, Any]] | None, form: dict[str, Any] | None
        ) -> Reply:
            return await self._ask(profile, messages, tools, emit, emit if form is None else None, form)

        if profile.tools:
            try:
                return await answer_with_calls(ask, request, desk)
            except VoiceError as error:
                if error.code != "no_tools":
                    raise
                self._profile = replace(profile, tools=False)
        if not desk.given:
            await desk.look_up(question)  # the weaker the model, the more it helps to begin with passages
        return await answer_in_form(ask, _with_facts(request, desk.given), desk)

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
            await asyncio.to_thread(count_wording, profile.model, WordingCounts(texts=1))
            return text
        emit(Status("checking the wording"))
        listed = "\n".join(f"- {problem}" for problem in found[:MOST_PROBLEMS])
        asked = prompt("repair").replace("{problems}", listed)
        turns = [{"role": "assistant", "content": text}, {"role": "user", "content": asked}]
        try:
            repaired = (await self._ask(profile, [*messages, *turns], None, emit, None)).text
            left = await asyncio.to_thread(problems, repaired)
        except VoiceError:
            await asyncio.to_thread(count_wording, profile.model, WordingCounts(1, 1, fallbacks=1))
            raise
        sound = bool(repaired) and not left
        counts = WordingCounts(1, 1, rewrites=int(sound), fallbacks=int(not sound))
        await asyncio.to_thread(count_wording, profile.model, counts)
        if not sound:
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
        form: dict[str, Any] | None = None,
    ) -> Reply:
        """One request. `show` gets the text as it comes in; None keeps it to ourselves. `form` is the JSON
        Schema of the answer, where the model can be held to one.
        """
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
        if form is not None and self._forms is None:
            self._forms = await llm_client.takes_form(profile)
        try:
            held_to = form if self._forms else None
            reply = await llm_client.complete(profile, fitted, tools, watch, self._limits, held_to)
        except VoiceError as error:
            if error.code != "no_form":
                raise
            self._forms = False
            reply = await llm_client.complete(profile, fitted, tools, watch, self._limits)
        if reply.cut_short and not reply.calls:
            raise named("too_long", profile.server, profile.name, profile.provider)
        if held.strip() and show is not None and not reply.calls and not text_call(reply.text, _TOOL_NAMES):
            show(Delta(held))
        return reply


_TOOL_NAMES = frozenset(tool.name for tool in (*TOOLS, *GUARDED))


def _quoted(said: str) -> str:
    """The person's last message, for its language; a long one shows it by its beginning."""
    return f"The person wrote: {said[:MOST_QUOTED]}\n\n" if said.strip() else ""


def _with_facts(request: str, given: list[str]) -> str:
    """The request with what the tools gave, without the calls: every model reads that."""
    return "\n\n".join([request, "Facts:", *given]) if given else request


def _opening(name: str, request: str) -> Messages:
    return [{"role": "system", "content": prompt(name)}, {"role": "user", "content": request}]


def _told_apart(draft: str, added: Sequence[Passage]) -> tuple[str, str]:
    """The lines of a draft that are ours, and those that quote an added guide."""
    sources = [folded(_whole(passage)) for passage in added]
    lines = draft.splitlines()
    quotes = [bool(words := folded(line)) and any(words in source for source in sources) for line in lines]
    ours = "\n".join(line for line, quote in zip(lines, quotes, strict=True) if not quote)
    return ours, "\n".join(line for line, quote in zip(lines, quotes, strict=True) if quote)


def _evidence(texts: list[str], passages: Sequence[Passage] = (), foreign: str = "") -> Evidence:
    """What texts and passages prove; an added guide, or what quotes one, proves less than what is ours."""
    evidence = Evidence()
    evidence.add_foreign(foreign)
    for text in texts:
        evidence.add(text)
    for passage in passages:
        said = f"{passage.guide}\n{_whole(passage)}"
        if passage.origin != "shipped":
            evidence.add_foreign(said)  # without what contradicts it, which repeats what it claims
            continue
        evidence.add(said)
        for one in disagreements(passage):
            evidence.add(str(one["text"]))
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
    return Spoken(text, [passage_citation(desk.passages[n - 1], said.get(n, "")) for n in order])


def _whole(passage: Passage) -> str:
    """What a citation of a passage may rest on: its words and its headings."""
    return "\n".join((*passage.heading, passage.text))
