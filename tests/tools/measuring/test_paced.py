"""Against a server in a process of its own that keeps to a timetable.

The bars here are wide, since whoever else works on the machine is measured too; `bench/measuring.py` holds
the 5 % of one to 64 requests at once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from knowledge.errors import AdvisorError, NoAnswerError, ServiceError
from knowledge.keys import Key
from tests.fakes.http_server import Asked, FakeServer, Reply
from tests.fakes.paced_server import TEMPLATE_TOKENS, Pace, PacedServer
from tests.quiet_moment import in_a_quiet_moment
from tools.measuring import http_sender
from tools.measuring.asking import read_address
from tools.measuring.http_sender import HttpSender
from tools.measuring.litellm_sender import LiteLLMSender
from tools.measuring.plan import Plan
from tools.measuring.run import Bench
from tools.measuring.samples import Sample
from tools.measuring.target import find_target
from tools.measuring.wire import OllamaWire, OpenAIWire

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
WIDE = 0.3


def _sender(server: PacedServer) -> HttpSender:
    model = server.pace.model
    wire = OllamaWire(model) if server.pace.engine == "ollama" else OpenAIWire(model)
    return HttpSender(read_address(server.url), {}, wire)


async def _round(server: PacedServer, number: int, tokens: int) -> tuple[Sample, ...]:
    return await _sender(server).round([f"{n} a b c" for n in range(number)], tokens)


@pytest.mark.parametrize("pace", [Pace(0.4, tps=25), Pace(0.4, tps=25, engine="vllm", chunk=2)])
@in_a_quiet_moment
async def test_64_at_once_come_as_the_timetable_says(pace: Pace) -> None:
    with PacedServer(pace) as server:
        samples = await _round(server, 64, 24)
    assert len(samples) == 64
    for sample in samples:
        assert sample.first_token_s == pytest.approx(0.4, rel=WIDE)
        assert sample.generation_tps == pytest.approx(25, rel=WIDE)
        assert (sample.tokens, sample.stated.prompt_tokens) == (24, 4 + TEMPLATE_TOKENS)


@in_a_quiet_moment
async def test_reasoning_counts_and_the_first_visible_token_is_apart() -> None:
    with PacedServer(Pace(0.1, tps=40, thinking=20, engine="x")) as server:
        (sample,) = await _round(server, 1, 40)
    assert sample.tokens == 40
    assert sample.first_visible is not None
    assert sample.first_visible - sample.first == pytest.approx(0.5, rel=WIDE)
    assert sample.stated.reasoning_tokens == 20


@in_a_quiet_moment
async def test_answers_that_wait_for_a_slot_show_it() -> None:
    with PacedServer(Pace(0.1, tps=50, slots=1)) as server:
        waits = sorted(sample.first_token_s for sample in await _round(server, 3, 10))
    assert waits[2] > waits[1] + 0.2 > waits[0] + 0.4


async def test_a_server_without_counts_is_counted_by_pieces() -> None:
    for engine in ("ollama", "x"):
        with PacedServer(Pace(0.05, usage=False, engine=engine)) as server:
            (sample,) = await _round(server, 1, 20)
        assert (sample.counted, sample.tokens, sample.stated.prompt_tokens) == ("chunks", 20, None)


@pytest.mark.parametrize(
    ("pace", "kind", "code"),
    [
        (Pace(refuses=429), ServiceError, "rate_limit"),
        (Pace(refuses=401), ServiceError, "bad_key"),
        (Pace(refuses=404), NoAnswerError, "unknown_model"),
        (Pace(refuses=500, engine="vllm"), ServiceError, "server"),
        (Pace(dies_at=1, tps=200), ServiceError, "cut"),
    ],
)
async def test_failures_have_a_sentence(pace: Pace, kind: type[AdvisorError], code: str) -> None:
    with PacedServer(pace) as server:
        with pytest.raises(kind) as caught:
            await _round(server, 1, 20)
        assert caught.value.code == code
        assert caught.value.hint


async def test_what_speaks_no_http_is_said() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ServiceError):
        await HttpSender(read_address(f"127.0.0.1:{port}"), {}, OllamaWire("m")).round(["a"], 8)
    server.close()


async def test_a_server_that_does_not_end_is_cut_off() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not writer.is_closing():
                writer.write(b'{"message": {"content": "a"}, "done": false}\n' * 1000)
                await writer.drain()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ServiceError) as caught:
        await HttpSender(read_address(f"127.0.0.1:{port}"), {}, OllamaWire("m")).round(["a"], 8)
    assert caught.value.code == "endless"
    server.close()


async def test_what_a_server_does_not_take_is_left_out() -> None:
    """As OpenAI refuses `max_tokens` of its reasoning models, and older servers `stream_options`."""
    refusals = ["'max_tokens' is not supported, use 'max_completion_tokens'", "unknown field stream_options"]

    def answer(asked: Asked) -> Reply:
        if refusals:
            return Reply(refusals.pop(0).encode(), 400)
        return Reply(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: [DONE]\n\n')

    with FakeServer(answer) as server:
        sender = HttpSender(read_address(server.url), {}, OpenAIWire("m"))
        sample = await sender.adapted("a", 8)
        assert sample.chunks == 1
        assert b"max_completion_tokens" in server.asked[-1].body
        assert b"stream_options" not in server.asked[-1].body
        await sender.round(["a"], 8)
        assert b"max_completion_tokens" in server.asked[-1].body


async def test_a_server_that_still_loads_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_sender, "LOOK_SECONDS", 0.01)
    loading = [Reply(b'{"error": {"message": "Loading model"}}', 503)] * 3

    def answer(asked: Asked) -> Reply:
        if loading:
            return loading.pop()
        return Reply(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: [DONE]\n\n')

    with FakeServer(answer) as server:
        await HttpSender(read_address(server.url), {}, OpenAIWire("m")).adapted("a", 8)
        assert len(server.asked) == 4


async def test_a_refusal_of_anything_else_is_told() -> None:
    said = Reply(b"this model's maximum context length is 9", 400)
    with FakeServer(lambda asked: said) as server, pytest.raises(NoAnswerError, match="context"):
        await HttpSender(read_address(server.url), {}, OpenAIWire("m")).adapted("a", 8)


async def test_a_cancelled_round_closes_its_connections() -> None:
    with PacedServer(Pace(60.0)) as server:
        task = asyncio.create_task(_round(server, 4, 8))
        while not await asyncio.to_thread(server.bodies):
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@in_a_quiet_moment
async def test_the_whole_against_ollama_with_a_cold_load() -> None:
    plan = Plan((64, 256), (1, 2), output_tokens=16, repeats=2)
    with PacedServer(Pace(0.1, tps=100, load_s=0.6, prompt_tps=5000)) as server:
        target = await asyncio.to_thread(find_target, server.pace.model, server.url)
        bench = Bench(target, plan, "key")
        async for _ in bench.events():
            pass
        bodies = await asyncio.to_thread(server.bodies)
    run = bench.run
    assert run is not None
    assert run.complete
    assert run.load_s == pytest.approx(0.6, rel=WIDE)
    assert (run.memory_bytes, run.host_memory_bytes, run.memory_from) == (5 << 30, 1 << 30, "Ollama's ps")
    assert [(point.prompt_tokens, point.parallel) for point in run.points] == [
        (64, 1),
        (256, 1),
        (64, 2),
        (256, 2),
    ]
    assert len(bodies) == 2 + 2 + 12
    assert all(body["options"]["temperature"] == 0 for body in bodies)
    assert run.context == server.pace.context


@in_a_quiet_moment
async def test_litellm_measures_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with PacedServer(Pace(0.3, tps=40, engine="x", thinking=4)) as server:
        monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
        sender = LiteLLMSender(f"openai/{server.pace.model}", "openai", Key("OPENAI_API_KEY", "keyring", "k"))
        await sender.adapted("a b c", 8)
        (sample,) = await sender.round(["a b c"], 24)
        with pytest.raises(NoAnswerError):
            await LiteLLMSender("openai/none", "openai", Key("", None, "k")).round(["a"], 8)
        await sender.close()
    assert sample.generation_tps == pytest.approx(40, rel=WIDE)
    assert (sample.tokens, sample.stated.prompt_tokens) == (24, 3 + TEMPLATE_TOKENS)
    assert sample.first_visible is not None
    assert sample.first_visible > sample.first
