"""A model server in a process of its own that keeps to a timetable, so that what is measured of it is known.

`PacedServer(Pace(...))` starts it; `python -m tests.fakes.paced_server JSON` is the process. It speaks
Ollama's and OpenAI's wire formats on one port. Every chunk has a due time counted from the request, so that a
late one does not put off the rest.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import urllib.request
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

Document = dict[str, Any]
TEMPLATE_TOKENS = 11
"""What the fake's chat template adds to a prompt; each word of it is one token."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """The timetable and manners of the server."""

    first_s: float = 0.1
    """Seconds to the first token, beside the prompt's."""
    prompt_tps: float = 0.0
    """Prompt tokens per second; 0 reads any prompt at once."""
    tps: float = 50.0
    """Tokens per second of each conversation."""
    chunk: int = 1
    """Tokens in each chunk."""
    thinking: int = 0
    """Tokens of reasoning before the answer."""
    stops_after: int = 0
    """Tokens after which the model ends by itself; 0 goes on to the limit."""
    usage: bool = True
    load_s: float = 0.0
    """Seconds that the first request waits for the model to load."""
    slots: int = 0
    """Requests that are worked on at once, the others wait; 0 is no limit."""
    dies_at: int = 0
    """Number of the request that is cut off in the middle, and all after it are refused; 0 never."""
    refuses: int = 0
    """HTTP status of every chat request; 0 answers them."""
    context: int = 32768
    model: str = "llama3.1:8b"
    engine: str = "ollama"
    """`ollama`, `llama.cpp`, `vllm`, or anything else for one that does not tell."""
    counts_at_most: int = 0
    """Prompt tokens to which a prompt is cut; 0 cuts none."""
    key: str = ""
    """Asked for as a bearer token."""


class _Server:
    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.bodies: list[Document] = []
        self.numbers = itertools.count(1)
        self.loaded = pace.load_s == 0.0
        self.load_task: asyncio.Task[None] | None = None
        self.slots = asyncio.Semaphore(pace.slots or 1_000_000)

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = lines[0].split(" ")[1]
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        data = await reader.readexactly(int(headers.get("content-length", "0")))
        body: Document = json.loads(data) if data else {}
        if path in ("/api/chat", "/v1/chat/completions"):
            return await self._chat(path, body, headers, writer)
        if path == "/api/generate" and body.get("keep_alive") == 0:
            self.loaded, self.load_task = self.pace.load_s == 0.0, None
        document, status = self._plain(path, body)
        whole(writer, document, status)
        return True

    @staticmethod
    def _named(body: Document) -> str:
        return str(body.get("model", "")).removesuffix(":latest")

    def _plain(self, path: str, body: Document) -> tuple[object, int]:
        pace, named = self.pace, self._named(body)
        ollama = pace.engine == "ollama"
        shown = {
            "capabilities": ["completion"],
            "details": {"quantization_level": "Q4_K_M", "family": "llama"},
            "model_info": {"general.architecture": "llama", "llama.context_length": pace.context},
        }
        running = {"name": pace.model, "size": 6 << 30, "size_vram": 5 << 30, "context_length": pace.context}
        if path == "/log":
            return self.bodies, 200
        if ollama and path == "/api/show" and named != pace.model:
            return {"error": f"model '{named}' not found"}, 404
        answers: dict[str, object] = {
            "/v1/models": {
                "object": "list",
                "data": [{"id": pace.model, "owned_by": pace.engine, "max_model_len": pace.context}],
            }
        }
        if ollama:
            answers |= {
                "/api/version": {"version": "0.12.3"},
                "/api/tags": {"models": [{"name": pace.model, "size": 5 << 30}]},
                "/api/show": shown,
                "/api/ps": {"models": [running] if self.loaded else []},
                "/api/generate": {"done": True},
            }
        elif pace.engine == "llama.cpp":
            answers["/props"] = {
                "build_info": "b6000-abc",
                "total_slots": 4,
                "model_path": "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
                "default_generation_settings": {"n_ctx": pace.context},
            }
        elif pace.engine == "vllm":
            answers["/version"] = {"version": "0.19.0"}
        return (answers[path], 200) if path in answers else ({"error": "404 page not found"}, 404)

    def _refusal(self, path: str, body: Document, headers: dict[str, str]) -> tuple[Document, int] | None:
        status, text = self.pace.refuses, "refused"
        if self.pace.key and headers.get("authorization") != f"bearer {self.pace.key.lower()}":
            status, text = 401, "invalid key"
        elif self.pace.engine != "llama.cpp" and self._named(body) != self.pace.model:
            status, text = 404, f"model '{body.get('model')}' not found"
        elif self.pace.dies_at and len(self.bodies) >= self.pace.dies_at:
            status, text = 500, "dead"
        if not status:
            return None
        return ({"error": text} if path.startswith("/api") else {"error": {"message": text}}), status

    async def _chat(
        self, path: str, body: Document, headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> bool:
        refused = self._refusal(path, body, headers)
        if refused is not None:
            whole(writer, *refused)
            return True
        self.bodies.append(body)
        number, loop = next(self.numbers), asyncio.get_running_loop()
        began = loop.time()
        async with self.slots:
            load_s = 0.0
            if not self.loaded:
                self.load_task = self.load_task or asyncio.create_task(self._load())
                await asyncio.shield(self.load_task)
                load_s = loop.time() - began
                began = loop.time()
            elif self.pace.slots:
                began = loop.time()
            return await self._stream(path, body, writer, number, began, load_s)

    async def _load(self) -> None:
        await asyncio.sleep(self.pace.load_s)
        self.loaded = True

    async def _stream(
        self,
        path: str,
        body: Document,
        writer: asyncio.StreamWriter,
        number: int,
        began: float,
        load_s: float,
    ) -> bool:
        pace, loop = self.pace, asyncio.get_running_loop()
        count = len(str(body["messages"][-1]["content"]).split()) + TEMPLATE_TOKENS
        count = min(count, pace.counts_at_most or count)
        reading = pace.first_s + (count / pace.prompt_tps if pace.prompt_tps else 0.0)
        limit = int(body.get("max_tokens") or body.get("options", {}).get("num_predict") or 64)
        total = min(limit, pace.stops_after or limit)
        rows = ollama_rows if path.startswith("/api") else openai_rows
        writer.write(HEAD)
        for at in range(0, total, pace.chunk):
            due = began + reading + at / pace.tps
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if pace.dies_at == number and at >= total // 2:
                writer.transport.abort()
                return False
            if writer.transport.is_closing():
                return False
            writer.write(framed(rows.piece(min(pace.chunk, total - at), at < pace.thinking)))
        spent = total / pace.tps
        writer.write(framed(rows.last(pace, count, total, (load_s, reading, spent), body)) + b"0\r\n\r\n")
        await writer.drain()
        return True


class ollama_rows:  # noqa: N801 - a table of two functions
    """NDJSON, as `/api/chat`."""

    @staticmethod
    def piece(count: int, thinking: bool) -> bytes:
        text = "word " * count
        message = {"role": "assistant", "content": "" if thinking else text}
        if thinking:
            message["thinking"] = text
        return json.dumps({"model": "m", "message": message, "done": False}).encode() + b"\n"

    @staticmethod
    def last(pace: Pace, count: int, total: int, spent: tuple[float, float, float], body: Document) -> bytes:
        row: Document = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True}
        row["done_reason"] = "length"
        if pace.usage:
            load, reading, speaking = (int(seconds * 1e9) for seconds in spent)
            row |= {"prompt_eval_count": count, "prompt_eval_duration": reading, "load_duration": load}
            row |= {"eval_count": total, "eval_duration": speaking}
        return json.dumps(row).encode() + b"\n"


class openai_rows:  # noqa: N801
    """Server-sent events, as `/v1/chat/completions`."""

    @staticmethod
    def piece(count: int, thinking: bool) -> bytes:
        delta = {"reasoning_content" if thinking else "content": "word " * count}
        return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    @staticmethod
    def last(pace: Pace, count: int, total: int, spent: tuple[float, float, float], body: Document) -> bytes:
        data = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
        if pace.usage and body.get("stream_options", {}).get("include_usage"):
            usage: Document = {"prompt_tokens": count, "completion_tokens": total}
            if pace.thinking:
                usage["completion_tokens_details"] = {"reasoning_tokens": min(pace.thinking, total)}
            data += _event({"choices": [], "usage": usage})
        return data + b"data: [DONE]\n\n"


def _event(row: Document) -> bytes:
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", **row}).encode() + b"\n\n"


def framed(data: bytes) -> bytes:
    """One chunk of HTTP."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def whole(writer: asyncio.StreamWriter, document: object, status: int = 200) -> None:
    """A whole JSON answer."""
    data = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)


async def _serve(pace: Pace) -> None:
    server = await asyncio.start_server(_Server(pace).client, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent goes
    server.close()


class PacedServer:
    """The process, for as long as the block."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.url = ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.fakes.paced_server", json.dumps(asdict(self.pace))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def bodies(self) -> list[Document]:
        """The chat requests so far."""
        with urllib.request.urlopen(f"{self.url}/log", timeout=5) as answer:
            found: list[Document] = json.loads(answer.read())
        return found


if __name__ == "__main__":
    asyncio.run(_serve(Pace(**json.loads(sys.argv[1]))))
