"""The two wire formats: what is asked, and how a recorded answer is read.

An answer is recorded while it comes, as moments and bytes, and read when all of a round is there: reading
takes longer than recording, and with 64 answers at once it would put off the moments that are measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.measuring.asking import Fault
from tools.measuring.pieces import Pieces
from tools.measuring.recorder import Record
from tools.measuring.samples import Sample, Stated

Document = dict[str, Any]
SEED = 7
NANO = 1e9


class BrokenAnswerError(Exception):
    """An answer that cannot be measured: it holds an error, or no token, or no end, or is no stream."""

    def __init__(self, said: str = "", *, kind: Fault = "cut") -> None:
        super().__init__(said)
        self.said = said
        """Words of the server; only for telling kinds of failures apart."""
        self.kind = kind


@dataclass(frozen=True, slots=True)
class OllamaWire:
    """`/api/chat`: NDJSON."""

    model: str
    context: int | None = None
    """Sent as num_ctx; None leaves it to the server. A change of it loads the model again."""
    path: str = "/api/chat"

    def body(self, prompt: str, output_tokens: int) -> Document:
        options: Document = {"temperature": 0, "seed": SEED, "num_predict": output_tokens}
        if self.context is not None:
            options["num_ctx"] = self.context
        messages = [{"role": "user", "content": prompt}]
        return {"model": self.model, "messages": messages, "stream": True, "options": options}

    def read(self, words: int, sent: float, records: Sequence[Record]) -> Sample:
        pieces = Pieces()
        for at, line in _lines(records):
            row = _object(line)
            if row.get("error"):
                raise BrokenAnswerError(str(row["error"]))
            message = row.get("message")
            if isinstance(message, dict):
                pieces.add(at, message.get("content"), message.get("thinking"))
            if row.get("done"):
                return _sample(pieces, words, sent, _of_ollama(row))
        raise BrokenAnswerError("the answer has no end")


def _of_ollama(row: Document) -> Stated:
    return Stated(
        prompt_tokens=_count(row.get("prompt_eval_count")),
        output_tokens=_count(row.get("eval_count")),
        load_s=_seconds(row.get("load_duration")),
        prompt_s=_seconds(row.get("prompt_eval_duration")),
        generation_s=_seconds(row.get("eval_duration")),
    )


@dataclass(frozen=True, slots=True)
class OpenAIWire:
    """`/chat/completions`: server-sent events, with the usage at the end."""

    model: str
    more: Document = field(default_factory=dict)
    """What this server takes beside (`ignore_eos`)."""
    limit_key: str = "max_tokens"
    without: frozenset[str] = frozenset()
    """Keys that the server does not take."""
    path: str = "/chat/completions"

    def body(self, prompt: str, output_tokens: int) -> Document:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "seed": SEED,
            self.limit_key: output_tokens,
            **self.more,
        }
        return {key: value for key, value in body.items() if key not in self.without}

    def read(self, words: int, sent: float, records: Sequence[Record]) -> Sample:
        pieces, stated, ended = Pieces(), Stated(), False
        for at, line in _lines(records):
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                ended = True
                break
            row = _object(data)
            if row.get("error"):
                raise BrokenAnswerError(json.dumps(row["error"]))
            stated = _of_openai(row) or stated
            for choice in row.get("choices") or ():
                ended = _choice(choice, at, pieces) or ended
        if not ended:
            raise _endless(records)
        return _sample(pieces, words, sent, stated)


def _choice(choice: object, at: float, pieces: Pieces) -> bool:
    """Notes a piece; whether it says that the answer ends."""
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    if isinstance(delta, dict):
        pieces.add(at, delta.get("content"), delta.get("reasoning_content") or delta.get("reasoning"))
    return bool(choice.get("finish_reason"))


def _of_openai(row: Document) -> Stated | None:
    """The usage, and the clock that llama-server adds; None where a row has neither."""
    usage, timings = row.get("usage"), row.get("timings")
    usage = usage if isinstance(usage, dict) else {}
    timings = timings if isinstance(timings, dict) else {}
    prompt = _count(usage.get("prompt_tokens")) or _count(timings.get("prompt_n"))
    output = _count(usage.get("completion_tokens")) or _count(timings.get("predicted_n"))
    if prompt is None and output is None:
        return None
    told, cached = usage.get("completion_tokens_details"), usage.get("prompt_tokens_details")
    return Stated(
        prompt_tokens=prompt,
        output_tokens=output,
        reasoning_tokens=_count(told.get("reasoning_tokens")) if isinstance(told, dict) else None,
        cached_tokens=_count(cached.get("cached_tokens")) if isinstance(cached, dict) else None,
        prompt_s=_milli(timings.get("prompt_ms")),
        generation_s=_milli(timings.get("predicted_ms")),
    )


def _sample(pieces: Pieces, words: int, sent: float, stated: Stated) -> Sample:
    if not pieces.moments:
        raise BrokenAnswerError("no token came", kind="empty")
    return pieces.sample(words, sent, stated)


def _endless(records: Sequence[Record]) -> BrokenAnswerError:
    """What an answer without an end is: a stream that was cut, one whole document, or a page."""
    body = b"".join(data for _, data in records)
    if not body.strip() or any(line.startswith(b"data:") for _, line in _lines(records)):
        return BrokenAnswerError("the answer has no end")
    try:
        row = _object(body)
    except BrokenAnswerError:
        return BrokenAnswerError(kind="foreign")
    if row.get("error"):
        return BrokenAnswerError(json.dumps(row["error"]))
    return BrokenAnswerError(kind="whole" if row.get("choices") else "foreign")


def _lines(records: Sequence[Record]) -> Iterator[Record]:
    """Lines, each with the moment when its last letter came: its end may come with the next line only."""
    rest, came = b"", 0.0
    for at, data in records:
        *whole, tail = (rest + data).split(b"\n")
        for place, line in enumerate(map(bytes.strip, whole)):
            if line:
                yield came if not place and line == rest.strip() else at, line
        came = at if whole or data.strip() else came
        rest = tail
    if rest.strip():
        yield came, rest.strip()


def _object(data: bytes) -> Document:
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        raise BrokenAnswerError(kind="foreign") from None
    if not isinstance(row, dict):
        raise BrokenAnswerError(kind="foreign")
    return row


def _count(value: object) -> int | None:
    """A number of tokens; 0 is what servers say that did not count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )


def _seconds(nanoseconds: object) -> float | None:
    found = _number(nanoseconds)
    return None if found is None else found / NANO


def _milli(milliseconds: object) -> float | None:
    found = _number(milliseconds)
    return None if found is None else found / 1000
