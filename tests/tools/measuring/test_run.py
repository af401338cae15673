"""The order of a measurement, and what is left of it where it ends before its plan."""

from __future__ import annotations

import asyncio

import pytest

from knowledge.errors import AdvisorError, ServiceError, UsageError
from knowledge.measured_here import MeasuredRun
from tests.tools.measuring.fake_sender import HERE, FakeSender, bench_of
from tools.measuring.events import Began, Ended, Event, Working
from tools.measuring.plan import Plan
from tools.measuring.prompts import OPENING
from tools.measuring.run import Bench
from tools.measuring.target import Target
from tools.token_price import Price

PLAN = Plan((100, 400), (1, 4), output_tokens=32, repeats=3)


async def _all(bench: Bench) -> list[Event]:
    return [event async for event in bench.events()]


async def test_every_step_is_measured_before_any_is_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender()
    bench = bench_of(monkeypatch, sender, PLAN)
    events = await _all(bench)
    assert [number for number, _ in sender.rounds] == [1, 1, 4, 4] * 3
    began, ended = events[0], events[-1]
    assert isinstance(began, Began)
    assert (began.requests, began.most_usd) == (30, 0.0)
    assert isinstance(ended, Ended)
    assert ended.run is not None
    assert (ended.stopped, ended.run.complete) == (None, True)
    assert [(p.prompt_tokens, p.parallel, p.samples) for p in ended.run.points] == [
        (100, 1, 3),
        (400, 1, 3),
        (100, 4, 12),
        (400, 4, 12),
    ]
    assert sender.closed
    done = [event.done for event in events if isinstance(event, Working)]
    assert done == sorted(done)


async def test_no_two_prompts_begin_alike_and_no_two_runs_either(monkeypatch: pytest.MonkeyPatch) -> None:
    openings: list[tuple[str, ...]] = []
    for _ in range(2):
        sender = FakeSender()
        await _all(bench_of(monkeypatch, sender, PLAN))
        openings += [tuple(prompt.split()[:OPENING]) for prompt in sender.prompts]
    assert len(openings) > 60
    assert len(set(openings)) == len(openings)


async def test_the_warm_up_is_apart_and_teaches_the_length_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender()
    bench = bench_of(monkeypatch, sender, PLAN)
    await _all(bench)
    assert len(sender.prompts) == 2 + 4 + 30
    assert [words for _, words in sender.rounds[:2]] == [90, 390]  # the template takes ten more


async def test_a_budget_leaves_repeats_out_and_not_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender(seconds=10.0)
    bench = bench_of(monkeypatch, sender, Plan((100, 400), (1,), 32, repeats=6, seconds=45.0))
    ended = (await _all(bench))[-1]
    assert isinstance(ended, Ended)
    assert ended.run is not None
    assert (ended.stopped, ended.run.complete, len(bench.rounds)) == ("seconds", True, 4)
    assert [point.samples for point in ended.run.points] == [2, 2]


async def test_a_slow_machine_gets_one_figure_whatever_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender(seconds=1000.0)
    bench = bench_of(monkeypatch, sender, Plan((100, 400), (1,), 32, repeats=6, seconds=5.0))
    ended = (await _all(bench))[-1]
    assert isinstance(ended, Ended)
    assert ended.run is not None
    assert (ended.stopped, ended.run.complete, len(ended.run.points)) == ("seconds", False, 1)


async def test_a_cancelled_measurement_keeps_the_finished_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    sender, kept = FakeSender(hangs_at=4), list[MeasuredRun]()
    bench = bench_of(monkeypatch, sender, PLAN)
    bench.keep = kept.append
    task = asyncio.create_task(_all(bench))
    await sender.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bench.stopped, bench.complete, len(bench.rounds)) == ("interrupted", False, 3)
    assert [len(run.points) for run in kept] == [1, 2, 3]
    assert not kept[-1].complete
    assert sender.closed


async def test_a_server_that_dies_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender(fails=lambda number: ServiceError("dead") if number == 3 else None)
    bench = bench_of(monkeypatch, sender, PLAN)
    with pytest.raises(ServiceError):
        await _all(bench)
    assert bench.run is not None
    assert (bench.stopped, bench.run.complete, len(bench.run.points)) == ("failed", False, 2)
    assert sender.closed


async def test_a_folder_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(run: MeasuredRun) -> None:
        raise AdvisorError("no room")

    bench = bench_of(monkeypatch, FakeSender(), PLAN)
    bench.keep = full
    ended = (await _all(bench))[-1]
    assert isinstance(ended, Ended)
    assert ended.run is not None
    assert (ended.run.complete, str(bench.not_kept)) == (True, "no room")


async def test_a_consumer_that_goes_away_closes_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = FakeSender()
    bench = bench_of(monkeypatch, sender, PLAN)
    events = bench.events()
    async for event in events:
        if isinstance(event, Working) and event.phase == "measure":
            break
    await events.aclose()
    assert sender.closed
    assert bench.stopped == "interrupted"


@pytest.mark.parametrize(("stated", "load"), [(3.5, 3.5), (0.02, None)])
async def test_a_cold_load_is_told_apart_from_one_that_was_none(
    monkeypatch: pytest.MonkeyPatch, stated: float, load: float | None
) -> None:
    target = Target("ollama", "m", "127.0.0.1:1", HERE, engine="ollama", loaded=False, local=True)
    bench = bench_of(monkeypatch, FakeSender(load_s=stated), PLAN, target)
    events = await _all(bench)
    assert bench.load_s == load
    phases = [event.phase for event in events if isinstance(event, Working)]
    assert phases[:2] == ["load", "warm-up"]


async def test_no_cent_beyond_the_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    for price, ceiling in ((Price(1.0, 4.0), 0.001), (None, 100.0)):
        sender = FakeSender()
        plan = Plan((100,), (1,), 32, repeats=3, max_usd=ceiling)
        bench = bench_of(monkeypatch, sender, plan, Target("litellm", "x/m", "x", price=price))
        with pytest.raises(UsageError, match="--max-cost"):
            await _all(bench)
        assert (sender.prompts, bench.run) == ([], None)


async def test_the_cost_that_is_told_is_never_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    price, sender = Price(1.0, 4.0), FakeSender()
    bench = bench_of(monkeypatch, sender, PLAN, Target("litellm", "x/m", "x", price=price))
    began = (await _all(bench))[0]
    assert isinstance(began, Began)
    assert began.most_usd is not None
    spent = sum(price.usd(len(prompt.split()) + 10, 32) for prompt in sender.prompts)
    assert spent / 2 < began.most_usd
    assert began.most_usd > sum(
        price.usd(found.prompt_tokens, found.point().output_tokens) * len(found.samples)
        for found in bench.figures
    )


def test_lengths_that_do_not_fit_the_context_are_left_out() -> None:
    plan = Plan()
    assert plan.steps(None) == [(128, 1), (1024, 1), (4096, 1), (128, 4)]
    assert plan.steps(2048) == [(128, 1), (1024, 1), (128, 4)]
    assert plan.left_out(2048) == [4096]
    assert plan.steps(256) == [(64, 1), (64, 4)]
    assert Plan((8192,), (2,)).steps(4096) == [(3904, 2)]


def test_the_time_is_told_before() -> None:
    plan = Plan((1000,), (1,), output_tokens=100, repeats=3)
    assert plan.expected_seconds(50.0, 500.0) == pytest.approx(12.0)
    assert plan.expected_seconds(0.1, None) == plan.seconds
