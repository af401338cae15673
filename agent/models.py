"""The model behind a conversation: how it is chosen, switched in mid-conversation, pulled, and paid for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from agent.cost import unpriced
from agent.events import Confirm, Cost, Event, Failure, Mode, Ready, TurnEnd
from agent.modes import AUTO, GUIDED, OLLAMA_PREFIX, Choice, find_model, mode_of
from agent.nodes import Services
from agent.pulling import checked_tag, pull
from agent.voice import Voice, VoiceError
from knowledge.errors import AdvisorError
from tools.model_calls.client import Limits

GB = 1_000_000_000


class Models:
    """Fulfils `agent.protocol.Models` for one session."""

    def __init__(self, services: Services, limits: Limits, *, offline: bool) -> None:
        """Guided, until something else is used.

        Args:
            services: the voice in it is the one that is switched.
            limits: how long to wait for a model server.
            offline: forbids every model but guided.
        """
        self._services = services
        self._limits = limits
        self._offline = offline
        self._chosen = Choice(GUIDED)

    @property
    def model(self) -> str:
        """`guided`, or the LiteLLM model in use."""
        return self._chosen.model

    def begin(self, choice: Choice) -> None:
        """Takes the model of the start as it is: what is wrong with it is said by `opening` or a turn."""
        self._chosen = choice
        self._services.voice = self._voice(choice.model)

    def ready(self, name: str) -> Ready:
        """The first event of a session."""
        model = None if self.model == GUIDED else self.model
        return Ready(name, mode_of(self.model), model, self._chosen.note, self._chosen.pull)

    async def opening(self) -> AsyncGenerator[Event]:
        """What must be said of an API model before the first turn: no key, or no price under a ceiling."""
        if mode_of(self.model) != "api":
            return
        try:
            await self._checked(self._services.voice)
        except VoiceError as error:
            yield Failure(error.code, error.message, error.hint)

    async def switch(self, model: str) -> AsyncGenerator[Event]:
        """Another model from now on; where it cannot be used, the old one stays and the reason is said."""
        choice = Choice(model.strip())
        try:
            if self._offline and choice.model != GUIDED:
                raise VoiceError(
                    "usage", "--offline forbids every model server.", "Start again without --offline."
                )
            if choice.model == AUTO:
                choice = await asyncio.to_thread(find_model)
            await self._use(choice)
        except VoiceError as error:
            stays = "guided mode" if self.model == GUIDED else self.model
            yield Failure(error.code, f"{error.message} It stays with {stays}.", error.hint)
        else:
            shown = None if self.model == GUIDED else self.model
            yield Mode(mode_of(self.model), shown, choice.note)
        yield TurnEnd()

    async def pull(self, name: str, *, confirmed: bool = False) -> AsyncGenerator[Event]:
        """Downloads a model into Ollama and uses it; without `confirmed` it only asks.

        Raises:
            UsageError: the name is none.
        """
        tag = checked_tag(name)
        if self._offline:
            yield Failure("usage", "--offline forbids to pull a model.", "Start again without --offline.")
        elif not confirmed:
            yield await asyncio.to_thread(_confirm, tag)
        else:
            try:
                async with aclosing(pull(tag, self._limits.connect)) as steps:
                    async for step in steps:
                        yield step
            except VoiceError as error:
                yield Failure(error.code, error.message, error.hint)
            else:
                async with aclosing(self.switch(OLLAMA_PREFIX + tag)) as events:
                    async for event in events:
                        yield event
                return
        yield TurnEnd()

    def spent(self) -> Cost:
        """What the conversation cost so far."""
        return self._services.account.event(None if self.model == GUIDED else self.model)

    def _voice(self, model: str) -> Voice | None:
        if model == GUIDED:
            return None
        from agent.llm import LiteLlmVoice

        return LiteLlmVoice(model, self._services.retriever, self._limits, self._services.account)

    async def _use(self, choice: Choice) -> None:
        """Switches, if the model can be used.

        Raises:
            VoiceError: it cannot.
        """
        if not choice.model or any(character.isspace() for character in choice.model):
            raise VoiceError(
                "usage",
                "A model's name has no spaces.",
                "guided, auto, ollama_chat/NAME or a LiteLLM model such as openai/gpt-4.1-mini.",
            )
        voice = self._voice(choice.model)
        await self._checked(voice, provider=True)
        old = self._services.voice
        self._services.voice, self._chosen = voice, choice
        if old is not None:
            await old.rest()
        if voice is not None:
            voice.warm()

    async def _checked(self, voice: Voice | None, *, provider: bool = False) -> None:
        """Asks the server or the key and price of a voice; LiteLLM, too, whether it knows its `provider`.

        Raises:
            VoiceError: it cannot be used as things are.
        """
        from agent.llm import LiteLlmVoice
        from tools.model_calls.client import check_provider

        if not isinstance(voice, LiteLlmVoice):
            return
        profile = await voice.check()
        if provider:
            await asyncio.to_thread(check_provider, profile)
        if profile.price is None and self._services.account.max_usd is not None:
            raise unpriced(profile.name)


def _confirm(tag: str) -> Confirm:
    """The question before a download, with what it takes as far as that is known."""
    size = _download_bytes(tag)
    about = f"about {size / GB:.1f} GB" if size is not None else "a size that is not known before"
    return Confirm(
        "pull", tag, f"Pulling {tag} makes the Ollama server download {about} from its registry. Go on?", size
    )


def _download_bytes(tag: str) -> int | None:
    """By the catalog, of a tag that it lists."""
    from knowledge.catalog.store import load_catalog
    from tools.commands.memory import MemoryQuery, memory
    from tools.commands.requests import parse

    found = next((model for model in load_catalog().models if model.ollama_tag == tag), None)
    if found is None:
        return None
    try:
        return int(memory(parse(MemoryQuery, {"model": found.id, "engine": "ollama"}))["file_bytes"])
    except AdvisorError:
        return None
