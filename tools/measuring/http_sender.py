"""Sends rounds of requests over HTTP: all are connected first, written together, and read at the end."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from knowledge.errors import AdvisorError
from tools.measuring.asking import CONNECT_SECONDS, Address, broken, refusal, unreachable
from tools.measuring.recorder import Answer, NoHttpError, Recorder, connected, read_answer, request_bytes
from tools.measuring.samples import Sample
from tools.measuring.wire import BrokenAnswerError, OllamaWire, OpenAIWire

IDLE_SECONDS = 600.0
"""Silence that is waited out: a large model may load for minutes."""
LOOK_SECONDS = 1.0
_OPTIONAL = ("ignore_eos", "seed", "temperature", "stream_options")
"""What a server may not take, and can be left out."""


class RefusedError(Exception):
    """An HTTP status instead of an answer."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(status)
        self.status = status
        self.said = said

    @property
    def loading(self) -> bool:
        """Whether the server says that the model is not there yet, as llama-server does."""
        return self.status == 503 and "loading" in self.said.lower()

    def explained(self, label: str, model: str) -> AdvisorError:
        """As a person is told."""
        return refusal(label, model, self.status, self.said)


class HttpSender:
    """Speaks one wire format to one server."""

    def __init__(
        self, address: Address, headers: Mapping[str, str], wire: OllamaWire | OpenAIWire, label: str = ""
    ) -> None:
        """
        Args:
            address: where it answers.
            headers: of every request; a key is in them.
            wire: what is sent.
            label: who answers, for people; host and port if empty.
        """
        self.label = label or address.label
        self.wire = wire
        self._url = address.base + (address.path if isinstance(wire, OpenAIWire) else "") + wire.path
        self._headers = dict(headers)
        if address.user:
            secret = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {secret}"

    async def close(self) -> None:
        """Nothing is left open between rounds."""

    async def round(self, prompts: Sequence[str], output_tokens: int) -> tuple[Sample, ...]:
        """Sends the prompts at once; what came back when all are answered.

        Raises:
            AdvisorError: the server refused, broke off, or cannot be reached.
        """
        try:
            return await self._round(prompts, output_tokens)
        except RefusedError as refused:
            raise refused.explained(self.label, self.wire.model) from None

    async def adapted(self, prompt: str, output_tokens: int) -> Sample:
        """One request, when the model is loaded; what the server does not take of it is left out from now on.

        Raises:
            AdvisorError: as `round`.
        """
        end = time.perf_counter() + IDLE_SECONDS
        while True:
            try:
                return (await self._round([prompt], output_tokens))[0]
            except RefusedError as refused:
                if refused.loading and time.perf_counter() < end:
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                simpler = self._simpler(refused.said) if refused.status in (400, 422) else None
                if simpler is None:
                    raise refused.explained(self.label, self.wire.model) from None
                self.wire = simpler

    def _simpler(self, said: str) -> OpenAIWire | None:
        """The format without what the server named in its refusal; None where that is nothing of ours."""
        wire = self.wire
        if not isinstance(wire, OpenAIWire):
            return None
        if "max_completion_tokens" in said and wire.limit_key == "max_tokens":
            return replace(wire, limit_key="max_completion_tokens")
        for key in _OPTIONAL:
            if key in said and key not in wire.without:
                return replace(wire, without=wire.without | {key})
        return None

    async def _round(self, prompts: Sequence[str], output_tokens: int) -> tuple[Sample, ...]:
        bodies = [json.dumps(self.wire.body(prompt, output_tokens)).encode() for prompt in prompts]
        recorders = await self._connections(
            [request_bytes(self._url, self._headers, body) for body in bodies], output_tokens
        )
        if any(recorder.endless for recorder in recorders):
            raise broken(self.label, "", "endless")
        answers = self._answers(recorders)
        for answer in answers:
            if answer.status != 200:
                raise RefusedError(answer.status, answer.text[:20_000])
        try:
            return tuple(
                self.wire.read(len(prompt.split()), recorder.sent, answer.records)
                for prompt, recorder, answer in zip(prompts, recorders, answers, strict=True)
            )
        except BrokenAnswerError as error:
            raise broken(self.label, error.said, error.kind) from None

    async def _connections(self, requests: Sequence[bytes], tokens: int) -> list[Recorder]:
        """Connects as often as there are requests, writes them all, and waits for the answers."""
        recorders: list[Recorder] = []
        try:
            for _ in requests:
                recorders.append(await connected(self._url, CONNECT_SECONDS, tokens))
            with _undisturbed():
                for recorder, request in zip(recorders, requests, strict=True):
                    recorder.write(request)
                await self._all_came(recorders)
        except OSError as error:
            raise self._unreachable(error, recorders) from None
        finally:
            for recorder in recorders:
                recorder.close()
        return recorders

    def _unreachable(self, error: OSError, recorders: Sequence[Recorder]) -> AdvisorError:
        """A connection that was there and broke is another fault than one that never was."""
        if recorders and not isinstance(error, TimeoutError | ConnectionRefusedError):
            return broken(self.label, "")
        return unreachable(self.label, error)

    async def _all_came(self, recorders: Sequence[Recorder]) -> None:
        """Waits until all answers are there.

        Raises:
            OSError: a connection broke before anything came, or a server is silent for too long.
        """
        waiting = {recorder.done for recorder in recorders}
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_EXCEPTION
            )
            for one in done:
                one.result()
            silent = time.perf_counter() - IDLE_SECONDS
            if any(not recorder.done.done() and recorder.heard < silent for recorder in recorders):
                raise TimeoutError

    def _answers(self, recorders: Sequence[Recorder]) -> list[Answer]:
        try:
            return [read_answer(recorder.records) for recorder in recorders]
        except NoHttpError:
            raise broken(self.label, "") from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No collection of garbage while answers come: a full one takes up to half a second."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
