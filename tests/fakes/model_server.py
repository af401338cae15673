"""Fake model servers on loopback that speak the real wire formats, each in a thread with its own loop."""

from __future__ import annotations

import asyncio
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from tests.fakes.listed import Listed, shown_of, tag_of
from tests.fakes.model_script import Answer, Call, Calls, Cut, End, Fail, Full, Pause, Raw, Say, Step, Think

Document = dict[str, Any]
STREAM = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


class _GoneError(Exception):
    """The client closed the connection."""


class FakeModelServer(ABC):
    """Answers each chat request with the next reply of the script; the last one is repeated.

    Attributes:
        requests: the bodies of the chat requests.
        headers: their headers, names in lower case.
        paths: the paths of all requests.
        left: set when a client closed its connection before the answer was complete.
        waiting: set when a pause of a reply begins.
    """

    content_type = ""

    def __init__(self, *replies: Answer) -> None:
        self.replies = list(replies)
        self.requests: list[Document] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.left = threading.Event()
        self.waiting = threading.Event()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="fake-model-server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._client, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes the server, if it still is there: it is gone from then on."""
        if self._loop.is_closed():
            return

        async def end() -> None:
            self._server.close()
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _serve(self) -> None:
        self._loop.run_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, headers, body = await _request(reader)
            path = first.split(" ")[1]
            self.paths.append(path)
            await self._route(path, headers, body, reader, writer)
        except (_GoneError, ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    @abstractmethod
    async def _route(
        self,
        path: str,
        headers: dict[str, str],
        body: Document,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Answers one request."""

    async def _chat(
        self,
        headers: dict[str, str],
        body: Document,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.requests.append(body)
        self.headers.append(headers)
        answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        reply = list(answer(body) if callable(answer) else answer)
        while reply and isinstance(reply[0], Pause):  # before the headers, as while a model is loading
            await self._wait(reader, reply.pop(0))
        if reply and isinstance(reply[0], Fail):
            failed = reply[0]
            head = f"Retry-After: {failed.retry_after}\r\n" if failed.retry_after else ""
            await answer_json(writer, self.failure(failed.text), failed.status, head)
            return
        writer.write(STREAM.format(self.content_type).encode())
        for step in reply:
            if isinstance(step, Pause):
                await self._wait(reader, step)
            elif isinstance(step, Cut):
                writer.transport.abort()
                return
            elif isinstance(step, End):
                writer.write(b"0\r\n\r\n")
                await writer.drain()
                return
            elif not isinstance(step, Full):
                await _chunk(writer, self.rendered(step, body))
        await _chunk(writer, self.ending(body, reply))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _wait(self, reader: asyncio.StreamReader, pause: Step) -> None:
        """Waits as a server does that watches its client."""
        assert isinstance(pause, Pause)
        self.waiting.set()
        try:
            await asyncio.wait_for(reader.read(1), pause.seconds)
        except TimeoutError:
            return
        raise _GoneError

    @abstractmethod
    def rendered(self, step: Step, body: Document) -> bytes:
        """The bytes of one step."""

    @abstractmethod
    def ending(self, body: Document, reply: Iterable[Step]) -> bytes:
        """The bytes after the last step."""

    @abstractmethod
    def failure(self, text: str) -> Document:
        """The body of an error answer."""


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], Document]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return lines[0], headers, json.loads(body) if body else {}


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()


async def answer_json(
    writer: asyncio.StreamWriter, document: object, status: int = 200, more: str = ""
) -> None:
    """A whole JSON answer; `more` is lines of its head."""
    data = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    writer.write(head.encode() + more.encode() + b"Connection: close\r\n\r\n" + data)
    await writer.drain()


class FakeOllama(FakeModelServer):
    """Ollama's `/api/chat` (NDJSON), `/api/show`, `/api/tags`, `/api/ps`, `/api/generate` and `/api/pull`.

    Attributes:
        loads: bodies of requests that load a model.
        pulls: names that were pulled.
        pull_steps: what a pull sends: rows, and pauses.
    """

    content_type = "application/x-ndjson"

    def __init__(
        self,
        *replies: Answer,
        model: str = "fake",
        capabilities: tuple[str, ...] = ("completion", "tools"),
        context: int = 32768,
        show_seconds: float = 0.0,
        show_document: object = None,
        listed: tuple[Listed, ...] | None = None,
        loaded_bytes: int = 0,
    ) -> None:
        super().__init__(*replies)
        self.listed = (Listed(model, 0, capabilities, context),) if listed is None else listed
        self.loaded_bytes = loaded_bytes
        self.loads: list[Document] = []
        self.pulls: list[str] = []
        self.pull_steps: list[Document | Pause] = [{"status": "success"}]
        self.model = model
        self.capabilities = capabilities
        self.context = context
        self.show_seconds = show_seconds
        self.show_document = show_document

    async def _route(
        self,
        path: str,
        headers: dict[str, str],
        body: Document,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        named = body.get("model", "").removesuffix(":latest")
        if path == "/api/tags":
            await answer_json(writer, {"models": [tag_of(one) for one in self.listed]})
        elif path == "/api/ps":
            rows = [{"name": f"{self.model}:latest", "size_vram": self.loaded_bytes}]
            await answer_json(writer, {"models": rows if self.loaded_bytes else []})
        elif path == "/api/pull":
            await self._pull(body, reader, writer)
        elif path == "/api/show" and (other := self._other(named)) is not None:
            await asyncio.sleep(self.show_seconds)
            await answer_json(writer, shown_of(other))
        elif path == "/api/generate" and named == self.model:
            self.loads.append(body)
            await answer_json(writer, {"model": self.model, "done": True, "done_reason": "load"})
        elif path in ("/api/show", "/api/chat") and named != self.model:
            await answer_json(writer, {"error": f"model '{body.get('model')}' not found"}, 404)
        elif path == "/api/show":
            await asyncio.sleep(self.show_seconds)
            info = {"general.architecture": "llama", "llama.context_length": self.context}
            shown = {"capabilities": list(self.capabilities), "model_info": info}
            await answer_json(writer, shown if self.show_document is None else self.show_document)
        elif path == "/api/chat" and "tools" in body and "tools" not in self.capabilities:
            text = f"registry.ollama.ai/library/{self.model}:latest does not support tools"
            await answer_json(writer, {"error": text}, 400)
        elif path == "/api/chat":
            await self._chat(headers, body, reader, writer)
        else:
            await answer_json(writer, {"error": "404 page not found"}, 404)

    def _other(self, name: str) -> Listed | None:
        """A model that is listed with a size, and so shown with its shape."""
        return next((one for one in self.listed if one.name == name and one.size), None)

    async def _pull(self, body: Document, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM.format(self.content_type).encode())
        for step in self.pull_steps:
            if isinstance(step, Pause):
                await self._wait(reader, step)
            else:
                await _chunk(writer, json.dumps(step).encode() + b"\n")
        self.pulls.append(body["model"])
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _line(self, message: Document, **more: object) -> bytes:
        row = {"model": self.model, "created_at": "2026-11-20T10:00:00Z", "message": message, "done": False}
        return json.dumps(row | more).encode() + b"\n"

    def rendered(self, step: Step, body: Document) -> bytes:
        if isinstance(step, Say):
            return self._line({"role": "assistant", "content": step.text})
        if isinstance(step, Think):
            return self._line({"role": "assistant", "content": "", "thinking": step.text})
        if isinstance(step, Call | Calls):
            calls = step.calls if isinstance(step, Calls) else (step,)
            made = [{"function": {"name": c.name, "arguments": c.arguments}} for c in calls]
            return self._line({"role": "assistant", "content": "", "tool_calls": made})
        assert isinstance(step, Raw)
        return step.data

    def ending(self, body: Document, reply: Iterable[Step]) -> bytes:
        empty = {"role": "assistant", "content": ""}
        reason = "length" if Full() in list(reply) else "stop"
        return self._line(empty, done=True, done_reason=reason, prompt_eval_count=9, eval_count=9)

    def failure(self, text: str) -> Document:
        return {"error": text}


class FakeOpenAI(FakeModelServer):
    """The chat completions of OpenAI and of everything that imitates them (server-sent events)."""

    content_type = "text/event-stream"

    def __init__(
        self, *replies: Answer, model: str = "fake", usage: tuple[int, int] | None = (100, 20)
    ) -> None:
        """`usage` are the tokens in and out that it states where it is asked to; None states none."""
        super().__init__(*replies)
        self.model = model
        self.usage = usage
        self._calls = 0

    async def _route(
        self,
        path: str,
        headers: dict[str, str],
        body: Document,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if path != "/v1/chat/completions":
            await answer_json(writer, self.failure("no such path"), 404)
        elif body.get("model") != self.model:
            await answer_json(writer, self.failure(f"The model `{body.get('model')}` does not exist"), 404)
        else:
            self._calls = 0
            await self._chat(headers, body, reader, writer)

    def _event(self, delta: Document, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        row = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.model,
            "choices": [choice],
        }
        return b"data: " + json.dumps(row).encode() + b"\n\n"

    def rendered(self, step: Step, body: Document) -> bytes:
        if isinstance(step, Say):
            return self._event({"role": "assistant", "content": step.text})
        if isinstance(step, Think):
            return self._event({"role": "assistant", "reasoning_content": step.text})
        if isinstance(step, Call | Calls):
            calls = step.calls if isinstance(step, Calls) else (step,)
            return b"".join(self._call(call) for call in calls)
        assert isinstance(step, Raw)
        return step.data

    def _call(self, call: Call) -> bytes:
        """A call as OpenAI streams it: the name first, then the arguments in two pieces."""
        place = self._calls
        self._calls += 1
        text = json.dumps(call.arguments)
        pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
        head = {"name": call.name, "arguments": ""}
        first: Document = {"index": place, "id": f"call_{place}", "type": "function", "function": head}
        rest = [{"index": place, "function": {"arguments": piece}} for piece in pieces]
        return b"".join(self._event({"tool_calls": [part]}) for part in (first, *rest))

    def ending(self, body: Document, reply: Iterable[Step]) -> bytes:
        called = any(isinstance(step, Call | Calls) for step in reply)
        reason = "length" if Full() in list(reply) else "tool_calls" if called else "stop"
        return self._event({}, reason) + self._usage(body) + b"data: [DONE]\n\n"

    def _usage(self, body: Document) -> bytes:
        """The chunk without choices that OpenAI ends a stream with."""
        if self.usage is None or not body.get("stream_options", {}).get("include_usage"):
            return b""
        into, out = self.usage
        count = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
        row = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": self.model}
        return b"data: " + json.dumps(row | {"choices": [], "usage": count}).encode() + b"\n\n"

    def failure(self, text: str) -> Document:
        return {"error": {"message": text, "type": "invalid_request_error", "code": None}}
