"""A language model behind the conversation: it words what code decided and answers questions with the tools.

It never has the last word on a fact: every text is held against what it was made from, gets one chance of
repair, and is dropped for the guided wording where it still holds something unfounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from agent.context import decision_in
from agent.cost import Account
from agent.events import Status
from agent.grounding import lost, unfounded
from agent.llm_gate import Check, Gate
from agent.llm_ground import MARKS, Basis, evidence_of, misses_the_point, with_citations
from agent.llm_loop import answer_in_form, answer_with_calls
from agent.llm_reading import Reader
from agent.llm_tools import ToolDesk
from agent.profiles import preload, read_profile
from agent.prompt_budget import FULL, RULES, shares_of
from agent.prompts import prompt
from agent.text_calls import text_calls
from agent.tools_in_view import tools_for
from agent.understanding import Asked
from agent.understanding.by_model import Inferred
from agent.voice import Emit, Spoken, VoiceError
from knowledge.retrieval import Retriever
from knowledge.wording_counts import WordingCounts, count_wording
from tools.model_calls import client as llm_client
from tools.model_calls.client import Limits, Reply, Watch
from tools.model_calls.errors import named
from tools.model_calls.profiles import Profile, split_model
from tools.model_calls.tokens import CHARACTERS_PER_TOKEN
from tools.needs import Needs
from tools.registry import GUARDED, TOOLS

MOST_PROBLEMS = 12
MOST_QUOTED = 400
"""Characters of the person's message that a wording is told."""
Messages = list[dict[str, Any]]
T = TypeVar("T")


class LiteLlmVoice:
    """A model of any provider that LiteLLM knows; fulfils `agent.voice.Voice`."""

    def __init__(
        self,
        model: str,
        retriever: Retriever,
        limits: Limits | None = None,
        account: Account | None = None,
    ) -> None:
        """Nothing is imported or asked before the first use.

        Args:
            model: `ollama_chat/NAME`, or a model as LiteLLM names it.
            retriever: the guides that the model may search.
            limits: how long to wait.
            account: counts what is spent; it may be that of the models before.
        """
        self.model = model
        self._retriever = retriever
        self._limits = limits or Limits()
        self._account = account or Account()
        self._profile: Profile | None = None
        self._reading = asyncio.Lock()
        self._preload: asyncio.Task[None] | None = None
        self._noted = False
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

    async def answer(
        self, question: str, needs: Needs, draft: str, emit: Emit, conversation: str = ""
    ) -> Spoken:
        """An answer to a free question; see `agent.voice.Voice.answer`."""
        return await self._bounded(self._answer(question, needs, draft, emit, conversation))

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
        evidence = await asyncio.to_thread(evidence_of, [draft, said])

        def holds(part: str) -> list[str]:
            return misses_the_point(part, said) or unfounded(part, evidence)

        reply = await self._ask(profile, messages, None, emit, holds)
        text = reply.text or (await self._ask(profile, messages, None, emit, holds)).text
        if not text:
            raise named("empty", profile.server, profile.name, profile.provider)

        def problems(worded: str) -> list[str]:
            return holds(worded) + lost(worded, draft)

        return await self._sound(profile, messages, text, problems, emit)

    async def _answer(self, question: str, needs: Needs, draft: str, emit: Emit, conversation: str) -> Spoken:
        profile = await self._ready(emit)
        shares = shares_of(room(profile), profile.answer_tokens)
        desk = ToolDesk(self._retriever, emit, shares.result, question)
        bare = MARKS.sub("", draft)  # its marks would clash with the numbers of the passages found here
        known = json.dumps({k: v.get("value") for k, v in needs.as_json().items()}, ensure_ascii=False)
        told = conversation or f"What is known of the person: {known}"
        known = f"{known}\n{decision_in(told)}"
        asked = f"The person asks: {question[: shares.question]}"
        request = f"{asked}\n\n{told[: shares.told]}\n\nDraft:\n{bare[: shares.draft]}"
        basis = Basis(desk, [question, known], bare)
        text = await self._with_tools(profile, question, request, desk, emit, basis.problems)
        if desk.wish is not None:
            return Spoken("", wish=desk.wish)
        if not text and not desk.given:
            await desk.look_up(question)
        left = room(profile) - profile.answer_tokens - RULES - _tokens(request)
        messages = _opening("answer", _with_facts(request, desk.given, int(left * CHARACTERS_PER_TOKEN)))
        text = text or (await self._ask(profile, messages, None, emit, basis.problems)).text
        if not text:
            raise named("empty", profile.server, profile.name, profile.provider)
        text = await self._sound(profile, messages, text, basis.problems, emit)
        return await asyncio.to_thread(with_citations, text, desk)

    async def close(self) -> None:
        """Closes LiteLLM's connections; must run before the event loop ends."""
        await self.rest()
        await llm_client.close()

    async def rest(self) -> None:
        """Stops what runs in the background; another model takes over."""
        if self._preload is not None:
            self._preload.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._preload
            self._preload = None

    def warm(self) -> None:
        """Begins to import LiteLLM, and has Ollama load its model, in the background."""
        import threading

        threading.Thread(target=llm_client.load, name="litellm", daemon=True).start()
        self._preload = asyncio.create_task(self._load(), name="preload")

    async def _load(self) -> None:
        with contextlib.suppress(VoiceError):  # the first turn says what is wrong
            profile = await self.check()
            await preload(profile, self._limits.first)

    async def check(self) -> Profile:
        """The profile, asked for once.

        Raises:
            VoiceError: the model cannot be used as things are; asking again may find it usable.
        """
        async with self._reading:
            if self._profile is None:
                self._profile = await read_profile(self.model, self._limits.connect)
        return self._profile

    async def _ready(self, emit: Emit) -> Profile:
        """The profile; says once what is to be known of it."""
        profile = await self.check()
        if profile.note and not self._noted:
            emit(Status(profile.note))
        self._noted = True
        return profile

    async def _with_tools(
        self, profile: Profile, question: str, request: str, desk: ToolDesk, emit: Emit, check: Check
    ) -> str:
        """The tool loop's answer; "" where the model said nothing or would not stop."""
        left = room(profile) - _tokens(prompt("answer")) - _tokens(request)
        tools = tools_for(request, left)
        if not tools:
            return ""  # a small window: the guides are looked up for the model instead
        tools = [*tools, *desk.guarded]

        async def ask(
            messages: Messages, tools: list[dict[str, Any]] | None, form: dict[str, Any] | None
        ) -> Reply:
            return await self._ask(profile, messages, tools, emit, check if form is None else None, form)

        if profile.tools:
            try:
                return await answer_with_calls(ask, request, desk, tools)
            except VoiceError as error:
                if error.code != "no_tools":
                    raise
                self._profile = replace(profile, tools=False)
        if not desk.given:
            await desk.look_up(question)  # the weaker the model, the more it helps to begin with passages
        facts = _with_facts(request, desk.given, int(left * CHARACTERS_PER_TOKEN) // 2)
        return await answer_in_form(ask, facts, desk, tools)

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
                f"It was about {(left or found)[0]!r}. A larger model keeps closer to the facts.",
            )
        return repaired

    async def _ask(
        self,
        profile: Profile,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        emit: Emit,
        check: Check | None,
        form: dict[str, Any] | None = None,
    ) -> Reply:
        """One request. The text is shown as it comes in, as far as `check` finds nothing in it; None keeps it
        to ourselves. `form` is the JSON Schema of the answer, where the model can be held to one.
        """
        fitted = fit_messages(messages, tools, profile)
        if form is not None and self._forms is None:
            self._forms = await llm_client.takes_form(profile)
        gate = Gate(emit, check) if check is not None else None
        on_text = gate.feed if gate is not None else _unheard
        try:
            reply = await self._formed(profile, fitted, tools, emit, on_text, form)
            if reply.cut_short and not reply.calls:
                raise named("too_long", profile.server, profile.name, profile.provider)
            if gate is not None and not reply.calls and not text_calls(reply.text, _TOOL_NAMES):
                await gate.finish()
        finally:
            if gate is not None:
                await gate.stop()
        return reply

    async def _formed(
        self,
        profile: Profile,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        emit: Emit,
        on_text: Callable[[str], None],
        form: dict[str, Any] | None,
    ) -> Reply:
        """The request with the form, or without it where the server does not take one."""
        try:
            return await self._send(profile, messages, tools, emit, on_text, form if self._forms else None)
        except VoiceError as error:
            if error.code != "no_form":
                raise
            self._forms = False
            return await self._send(profile, messages, tools, emit, on_text, None)

    async def _send(
        self,
        profile: Profile,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        emit: Emit,
        on_text: Callable[[str], None],
        form: dict[str, Any] | None,
    ) -> Reply:
        """The request, on the account."""

        def hear(piece: str) -> None:
            bill.hear(piece)
            on_text(piece)

        with self._account.request(
            profile.name, profile.price, messages, tools, profile.answer_tokens
        ) as bill:
            watch = Watch(
                hear,
                lambda: emit(Status(profile.waiting)),
                lambda: emit(Status("the model is thinking")),
                bill.count,
            )
            return await llm_client.complete(profile, messages, tools, watch, self._limits, form)


_TOOL_NAMES = frozenset(tool.name for tool in (*TOOLS, *GUARDED))


def _unheard(piece: str) -> None:
    """A reply that is kept to ourselves."""


def _quoted(said: str) -> str:
    """The person's last message, for its language; a long one shows it by its beginning."""
    return f"The person wrote: {said[:MOST_QUOTED]}\n\n" if said.strip() else ""


def _with_facts(request: str, given: list[str], characters: int) -> str:
    """The request with what the tools gave, without the calls: every model reads that.

    Args:
        request: the question and what is known.
        given: the results; the last ones are kept where not all fit.
        characters: that they may take together, as they stand in the request.
    """
    kept: list[str] = []
    taken = 0
    for result in reversed(given):
        taken += len(json.dumps(result, ensure_ascii=False))
        if taken > characters:
            break
        kept.insert(0, result)
    return "\n\n".join([request, "Facts:", *kept]) if kept else request


def _opening(name: str, request: str) -> Messages:
    return [{"role": "system", "content": prompt(name)}, {"role": "user", "content": request}]


def _tokens(value: object) -> int:
    """About how many tokens a part of a request takes."""
    return int(len(json.dumps(value, ensure_ascii=False)) / CHARACTERS_PER_TOKEN) + 4


def room(profile: Profile) -> int:
    """Tokens that a prompt may take, tools included."""
    return int(profile.context * FULL) - profile.answer_tokens


def fit_messages(messages: Messages, tools: list[dict[str, Any]] | None, profile: Profile) -> Messages:
    """The messages, with the oldest tool results left out where the context would be full.

    Raises:
        VoiceError: even then they do not fit.
    """
    left = room(profile) - (_tokens(tools) if tools else 0)
    fitted = list(messages)
    for place, message in enumerate(messages):
        if sum(map(_tokens, fitted)) <= left:
            break
        if message["role"] == "tool":
            fitted[place] = message | {"content": '{"note":"left out: too long ago"}'}
    if sum(map(_tokens, fitted)) > left:
        raise named("context_full", profile.server, profile.name, profile.provider)
    return fitted
