"""Requests of a run: so many at once, within rates and ceiling, and tried again where that helps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tools.evaluation.answers import Asked, Call, Spent, Turn
from tools.evaluation.contenders import COMPATIBLE, Contender
from tools.evaluation.plan import Settings
from tools.evaluation.spending import Purse
from tools.model_calls import client
from tools.model_calls.client import Limits, Reply, Watch
from tools.model_calls.errors import ModelError
from tools.model_calls.tokens import SENT_AND_LOST, Usage, about_tokens, most_tokens
from tools.token_price import FREE

Messages = list[dict[str, Any]]
PASSING = frozenset({"rate_limit", "cut", "server", "timeout", "unreachable", "malformed"})
"""Faults that may be gone at the next try."""
HINTS = {
    "bad_key": "Put its key into an environment variable, and name that with --key-variable (for the judge: "
    "--judge-key-variable).",
    "model_missing": "Check the model's name and the address, which often ends in /v1.",
    "malformed": "Check the address, which often ends in /v1.",
    "unreachable": "Check that the server runs, and the address.",
}
"""What to do about failures of an endpoint, whose server and key the person named."""
LIMITS = Limits(connect=5.0, idle=120.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long passing faults are borne with; seconds."""

    tries: int = 6
    """Of one request, the first included."""
    unreadable_tries: int = 2
    """Where the answer is none of a model server: the address is wrong more often than the server."""
    limited_tries: int = 12
    """Where the server takes no more requests for now: limits are often counted over a minute."""
    first_wait: float = 1.0
    """Before the second try where the server does not say; doubled each time."""
    most_wait: float = 60.0
    longest_pause: float = 600.0
    """A server that asks for more is given up for now; the same command goes on later."""


class Gate:
    """One provider: how many requests are under way, and when the next may be sent."""

    def __init__(self, at_once: int, per_minute: float | None) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def __aenter__(self) -> None:
        await self._room.acquire()
        try:
            loop = asyncio.get_running_loop()
            while (wait := self._next - loop.time()) > 0:  # noqa: ASYNC110 - a pause may be prolonged meanwhile
                await asyncio.sleep(wait)
            self._next = max(self._next, loop.time() + self._apart) if self._apart else self._next
        except BaseException:
            self._room.release()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._room.release()

    def pause(self, seconds: float) -> None:
        """Sends nothing for a while."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)


class Desk:
    """Sends the requests of a run."""

    def __init__(
        self,
        settings: Settings,
        purse: Purse,
        patience: Patience,
        on_pause: Callable[[str, float], None],
        on_again: Callable[[ModelError, float], None],
    ) -> None:
        self._settings = settings
        self._purse = purse
        self._patience = patience
        self._on_pause = on_pause
        self._on_again = on_again
        self._gates: dict[str, Gate] = {}
        self._at_once: set[str] = set()
        """Servers that send an answer at once although a stream was asked for."""

    def gate(self, provider: str) -> Gate:
        """The one of a provider."""
        if provider not in self._gates:
            self._gates[provider] = Gate(self._settings.concurrency, self._settings.requests_per_minute)
        return self._gates[provider]

    async def ask(
        self,
        who: Contender,
        messages: Messages,
        *,
        seed: int,
        answer_tokens: int,
        tools: list[dict[str, Any]] | None = None,
        temperature: float | None = None,
        form: dict[str, Any] | None = None,
    ) -> Asked:
        """One answer.

        Args:
            who: the model.
            messages: the conversation.
            seed: of this request.
            answer_tokens: that the answer may have, without reasoning.
            tools: that it may call.
            temperature: None for the run's.
            form: JSON Schema of the answer, for a model that can be held to one.

        Raises:
            ModelError: the model failed, for good or as often as patience lasts.
            CeilingError: the request could pass the ceiling of cost.
        """
        options = {
            **who.profile.options,
            "temperature": self._settings.temperature if temperature is None else temperature,
            "seed": seed,
        }
        profile = replace(who.profile, answer_tokens=answer_tokens + who.reasoning_tokens, options=options)
        sender = replace(who, profile=profile)
        return await self._patiently(sender, lambda: self._once(sender, messages, tools, form))

    async def _reply(
        self,
        who: Contender,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        watch: Watch,
        form: dict[str, Any] | None,
    ) -> Reply:
        """The answer, streamed; where the server of an endpoint cannot stream, at once from then on."""
        unreadable: ModelError | None = None
        if who.provider not in self._at_once:
            try:
                return await client.once(who.profile, messages, tools, watch, LIMITS, form)
            except ModelError as error:
                if error.code != "malformed" or who.profile.provider != COMPATIBLE:
                    raise
                unreadable = error
        profile = replace(who.profile, options={**who.profile.options, **client.AT_ONCE})
        try:
            reply = await client.once(profile, messages, tools, watch, LIMITS, form)
        except ModelError as error:
            # A page of HTML is taken for a failure of the server there.
            if unreadable is not None and error.code == "server":
                raise unreadable from None
            raise
        self._at_once.add(who.provider)
        return reply

    async def _patiently(self, who: Contender, send: Callable[[], Awaitable[Asked]]) -> Asked:
        gate, patience = self.gate(who.provider), self._patience
        special = {"rate_limit": patience.limited_tries, "malformed": patience.unreadable_tries}
        tried = 0
        while True:
            try:
                async with gate:
                    return await send()
            except ModelError as error:
                tried += 1
                wait = min(patience.most_wait, patience.first_wait * 2 ** (tried - 1))
                wait = wait if error.wait is None else error.wait
                is_last = tried >= special.get(error.code, patience.tries)
                if error.code not in PASSING or is_last or wait > patience.longest_pause:
                    if who.profile.provider == COMPATIBLE:
                        error.hint = HINTS.get(error.code, error.hint)
                    raise
                if error.code == "rate_limit":
                    # All requests to the provider wait: those of other tasks would be refused as well.
                    gate.pause(wait)
                    self._on_pause(who.profile.server, wait)
                else:
                    self._on_again(error, wait)
                    await asyncio.sleep(wait)

    async def _once(
        self,
        who: Contender,
        messages: Messages,
        tools: list[dict[str, Any]] | None,
        form: dict[str, Any] | None,
    ) -> Asked:
        """The request on the purse; where nobody counted its tokens, its worst case is what it cost."""
        profile = who.profile
        price = profile.price or FREE
        most = most_tokens(messages, tools)
        counted: list[Usage] = []
        watch = Watch(on_usage=counted.append)
        loop = asyncio.get_running_loop()
        async with self._purse.request(price.usd(most, profile.answer_tokens)) as kept:
            begun = loop.time()
            try:
                reply = await self._reply(who, messages, tools, watch, form)
            except ModelError as error:
                if error.code not in SENT_AND_LOST and not counted:
                    kept.actual = 0.0
                raise
            usage = counted[-1] if counted else None
            if usage is not None and usage.stated:
                kept.actual = price.usd(usage.prompt, usage.answer, usage.cached)
            seconds = loop.time() - begun
        usd = kept.worst if kept.actual is None else kept.actual
        used = usage or Usage(about_tokens(messages, tools), len(reply.text) // 3, stated=False)
        spent = Spent(used.prompt, used.answer, usd, seconds, 1, not used.stated)
        return Asked(_turn(reply), spent)


def _turn(reply: Reply) -> Turn:
    calls = []
    for call in reply.calls:
        try:
            calls.append(Call(call.name, call.read()))
        except ValueError:
            calls.append(Call(call.name, None))
    return Turn(reply.text, tuple(calls), reply.cut_short)
