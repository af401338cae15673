"""Recorded answers of both formats, at whatever byte they were cut into pieces."""

from __future__ import annotations

import asyncio
import json

import pytest

from tools.measuring.recorder import NoHttpError, Record, Recorder, read_answer
from tools.measuring.wire import BrokenAnswerError, OllamaWire, OpenAIWire


def _events(*rows: object) -> bytes:
    return b"".join(
        b"data: " + (json.dumps(row).encode() if row else b"[DONE]") + b"\r\n\r\n" for row in rows
    )


def _delta(**delta: str) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


USAGE = {
    "choices": [],
    "usage": {
        "prompt_tokens": 40,
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 4},
        "prompt_tokens_details": {"cached_tokens": 3},
    },
}
THOUGHT = _events(
    _delta(role="assistant", content=""), _delta(reasoning_content="hm"), _delta(content="Yes"), USAGE, None
)


def _chunked(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 10_000])
def test_an_answer_reads_the_same_wherever_the_network_cuts_it(step: int) -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = head + _chunked(THOUGHT, 11)
    records: list[Record] = [(float(at), raw[at : at + step]) for at in range(0, len(raw), step)]
    answer = read_answer(records)
    assert answer.status == 200
    assert b"".join(data for _, data in answer.records) == THOUGHT
    sample = OpenAIWire("m").read(5, 0.0, answer.records)
    assert (sample.chunks, sample.tokens) == (2, 9)
    assert sample.stated.reasoning_tokens == 4
    assert sample.stated.cached_tokens == 3
    assert sample.first_visible is not None
    assert sample.first <= sample.first_visible == sample.last


def test_a_body_with_a_length_and_one_that_ends_with_the_connection() -> None:
    for head in (b"HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\n", b"HTTP/1.0 404 X\r\n\r\n"):
        answer = read_answer([(1.0, head), (2.0, b"no")])
        assert (answer.status, answer.text) == (404, "no")


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"hello\r\n\r\n"])
def test_what_is_no_http_is_said(raw: bytes) -> None:
    with pytest.raises(NoHttpError):
        read_answer([(0.0, raw)])


def test_a_broken_frame_is_no_http() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(NoHttpError):
        read_answer([(0.0, head + b"zz\r\nabc\r\n")])


def test_ollama_states_its_own_clock() -> None:
    rows = [
        {"message": {"thinking": "hm"}, "done": False},
        {"message": {"content": "a"}, "done": False},
        {
            "message": {"content": ""},
            "done": True,
            "prompt_eval_count": 30,
            "prompt_eval_duration": 500_000_000,
            "eval_count": 2,
            "eval_duration": 100_000_000,
            "load_duration": 2_000_000_000,
        },
    ]
    records = [(float(at), json.dumps(row).encode() + b"\n") for at, row in enumerate(rows, 1)]
    sample = OllamaWire("m").read(5, 0.0, records)
    assert (sample.first, sample.first_visible, sample.last, sample.chunks) == (1.0, 2.0, 2.0, 2)
    assert (sample.stated.load_s, sample.stated.prompt_s, sample.stated.generation_s) == (2.0, 0.5, 0.1)


def test_llama_server_adds_its_own_clock() -> None:
    timings = {"prompt_n": 40, "prompt_ms": 80.0, "predicted_n": 9, "predicted_ms": 300.0}
    data = _events(
        _delta(content="a"), {"choices": [{"delta": {}, "finish_reason": "length"}], "timings": timings}
    )
    stated = OpenAIWire("m").read(1, 0.0, [(1.0, data)]).stated
    assert (stated.prompt_tokens, stated.output_tokens) == (40, 9)
    assert stated.prompt_s == pytest.approx(0.08)
    assert stated.generation_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (_events(_delta(content="a")), "cut"),
        (_events({"error": {"message": "died"}}), "cut"),
        (b'{"error": "died"}', "cut"),
        (b"data: {broken\n\n", "foreign"),
        (b"data: [1]\n\n", "foreign"),
        (b"<html><body>hello</body></html>", "foreign"),
        (b'{"detail": "ok"}', "foreign"),
        (b'{\n"choices": [{"message": {"content": "a"}}]\n}', "whole"),
        (_events(_delta(content=""), None), "empty"),
        (b"", "cut"),
    ],
)
def test_what_is_no_whole_stream_is_not_measured(data: bytes, kind: str) -> None:
    with pytest.raises(BrokenAnswerError) as caught:
        OpenAIWire("m").read(1, 0.0, [(1.0, data)])
    assert caught.value.kind == kind


def test_a_token_comes_when_it_comes_not_when_its_line_ends() -> None:
    """Some servers send the end of an event together with the next one."""
    events = [data.strip() for data in _events(*[_delta(content="a")] * 3, None).split(b"\r\n\r\n")]
    records = [(float(at), b"\r\n\r\n" + data) for at, data in enumerate(events)]
    sample = OpenAIWire("m").read(1, 0.0, records)
    assert (sample.first, sample.last) == (0.0, 2.0)
    halves = [(1.0, events[0][:20]), (2.0, events[0][20:]), (3.0, b"\n"), (4.0, b"\ndata: [DONE]\n")]
    assert OpenAIWire("m").read(1, 0.0, halves).first == 2.0


def test_a_letter_that_is_cut_in_the_middle_is_one_letter() -> None:
    data = json.dumps(_delta(content="→ü"), ensure_ascii=False).encode()
    raw = b"data: " + data + b"\n\ndata: [DONE]\n\n"
    at = raw.index("ü".encode()) + 1
    sample = OpenAIWire("m").read(1, 0.0, [(1.0, raw[:at]), (2.0, raw[at:])])
    assert (sample.first, sample.chunks, sample.words_said) == (2.0, 1, 1)


def test_pieces_of_several_tokens_weigh_by_their_letters() -> None:
    rows = [_delta(content="word ")] + [_delta(content="word " * 8)] * 4
    records = [(float(at), _events(row)) for at, row in enumerate(rows)]
    counted = OpenAIWire("m").read(
        1, 0.0, [*records, (9.0, _events({"usage": {"completion_tokens": 33}}, None))]
    )
    assert (counted.counted, counted.tokens) == ("server", 33)
    assert counted.generation_tps == pytest.approx(8.0)
    bare = OpenAIWire("m").read(1, 0.0, [*records, (9.0, _events(None))])
    assert (bare.counted, bare.tokens) == ("words", 33)
    assert bare.generation_tps == pytest.approx(8.0)


PING = b": ping - 2026-11-21 12:00:00\r\n\r\n"


def _came(*pieces: bytes) -> list[bool]:
    """Whether an answer counts as whole after each piece."""

    async def come() -> list[bool]:
        recorder = Recorder(asyncio.get_running_loop(), 16)
        found = []
        for piece in pieces:
            recorder.data_received(piece)
            found.append(recorder.done.done())
        recorder.connection_lost(None)
        return [*found, recorder.done.done()]

    return asyncio.run(come())


def test_a_text_that_ends_like_the_last_chunk_is_not_the_end() -> None:
    """As the pings of servers that write their lines with CRLF, at every full minute."""
    head, close = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.0 200 OK\r\n\r\n"
    frame = b"%x\r\n" % len(PING)
    assert _came(head + b"\r\n", frame + PING, b"\r\n", b"0\r\n\r\n") == [False, False, False, True, True]
    assert _came(head, b"\r\n" + frame + PING[:-4], PING[-4:], b"\r\n0\r", b"\n\r\n")[-2:] == [True, True]
    assert _came(close, PING, PING) == [False, False, False, True]


def test_an_answer_with_a_length_ends_with_it_wherever_its_head_is_cut() -> None:
    assert _came(b"HTTP/1.1 404 X\r\nContent-", b"Length: 5\r\n\r\nab", b"cde") == [False, False, True, True]
    assert _came(b"HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\n", b"0\r\n\r\n") == [False, False, True]


def test_what_is_broken_beyond_reading_is_not_waited_for() -> None:
    assert _came(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n0\r\n\r\n")[1]


def test_a_model_that_dies_under_ollama_is_no_answer() -> None:
    for data in (b'{"message": {"content": "a"}}\n', b'{"error": "out of memory"}\n'):
        with pytest.raises(BrokenAnswerError):
            OllamaWire("m").read(1, 0.0, [(1.0, data)])


def test_what_is_asked_is_the_same_each_time() -> None:
    body = OllamaWire("m", 4096).body("p", 32)
    assert body["options"] == {"temperature": 0, "seed": 7, "num_predict": 32, "num_ctx": 4096}
    assert "num_ctx" not in OllamaWire("m").body("p", 32)["options"]
    asked = OpenAIWire("m", {"ignore_eos": True}, "max_completion_tokens", frozenset({"seed"})).body("p", 32)
    assert asked["stream_options"] == {"include_usage": True}
    assert (asked["max_completion_tokens"], asked["temperature"], asked["ignore_eos"]) == (32, 0, True)
    assert "seed" not in asked
    assert "max_tokens" not in asked
