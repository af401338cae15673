"""What moments and counts come to; no clock."""

from __future__ import annotations

import pytest

from tools.measuring.samples import Round, Sample, Stated, grouped, prompt_line


def _sample(
    tokens: int,
    *,
    chunk: int = 1,
    tps: float = 50.0,
    first: float = 0.2,
    sent: float = 10.0,
    stated: int | None = -1,
    prompt: int | None = 100,
) -> Sample:
    """An answer that keeps to a timetable, in pieces of `chunk` tokens."""
    pieces = -(-tokens // chunk)
    last = sent + first + (pieces - 1) * chunk / tps
    count = tokens if stated == -1 else stated
    return Sample(80, sent, sent + first, last, pieces, sent + first, stated=Stated(prompt, count))


@pytest.mark.parametrize("chunk", [1, 2, 4, 8])
def test_the_speed_is_the_same_in_whatever_pieces_it_comes(chunk: int) -> None:
    assert _sample(128, chunk=chunk).generation_tps == pytest.approx(50.0)


def test_an_end_sign_that_is_counted_but_not_streamed_is_no_token_of_the_stream() -> None:
    assert _sample(64, stated=65).generation_tps == pytest.approx(50.0)


def test_pieces_that_arrive_with_the_first_one_are_not_after_it() -> None:
    late = Sample(80, 0.0, 1.0, 2.0, 20, 1.0, first_chunks=10, stated=Stated(100, 20))
    assert late.generation_tps == pytest.approx(10.0)


def test_reasoning_that_is_counted_but_not_shown_makes_nothing_faster() -> None:
    """As OpenAI's models: 100 tokens of reasoning, and then 28 that come."""
    hidden = Sample(80, 0.0, 2.0, 2.54, 28, 2.0, stated=Stated(100, 128, 100))
    assert hidden.generation_tps == pytest.approx(50.0)
    assert hidden.tokens == 128
    shown = Sample(80, 0.0, 0.1, 0.1 + 127 / 50, 128, 2.0, thought_chunks=100, stated=Stated(100, 128, 100))
    assert shown.generation_tps == pytest.approx(50.0)


def test_without_a_count_pieces_are_counted_and_the_prompt_is_unknown() -> None:
    bare = _sample(32, stated=None, prompt=None)
    assert (bare.counted, bare.tokens) == ("chunks", 32)
    found = grouped([Round(128, (bare,))])[0]
    assert found.point().prompt_tps is None
    assert found.point().prompt_tokens == 128
    assert found.counted == "chunks"


def test_a_few_tokens_say_nothing_of_the_speed() -> None:
    assert _sample(7).generation_tps is None
    assert Sample(1, 0.0, 1.0, 1.0, 1, None).generation_tps is None
    point = grouped([Round(128, (_sample(3),))])[0].point()
    assert (point.generation_tps, point.total_tps) == (None, None)
    assert point.first_token_s.mid == pytest.approx(0.2)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.02])
def test_an_answer_that_came_at_once_has_no_speed(seconds: float) -> None:
    """As through a proxy that gathers what a server streams."""
    gathered = Sample(80, 0.0, 2.0, 2.0 + seconds, 64, 2.0, first_chunks=40, stated=Stated(100, 64))
    whole = Round(128, (gathered, _sample(64)))
    assert gathered.generation_tps is None
    assert whole.held_back
    assert not Round(128, (_sample(64), _sample(3))).held_back
    fast = Sample(80, 0.0, 0.1, 0.1 + 63 / 5000, 64, 0.1, stated=Stated(100, 64))
    assert fast.generation_tps == pytest.approx(5000)


def test_requests_at_once_are_counted_together() -> None:
    batch = Round(128, tuple(_sample(64, first=0.2 + 0.1 * n) for n in range(4)))
    assert batch.first_token_s == pytest.approx(0.35)
    assert batch.slowest_first_token_s == pytest.approx(0.5)
    assert batch.prompt_tps == pytest.approx(400 / 0.5)
    assert batch.generation_tps == pytest.approx(50.0)
    assert batch.total_tps == pytest.approx(4 * 63 / (0.3 + 63 / 50))


def test_requests_that_wait_for_one_another_are_noticed() -> None:
    one, late = _sample(10), _sample(10, first=5.0)
    assert Round(128, (one, late)).queued
    assert not Round(128, (one, one)).queued
    assert not Round(128, (one,)).queued


def test_a_round_counts_once_however_many_requests_it_has() -> None:
    """Requests of one round wait for one another: they are no independent repeats."""
    rounds = [Round(128, tuple(_sample(64, first=wait) for _ in range(16))) for wait in (0.1, 0.2, 0.3)]
    point = grouped(rounds)[0].point()
    assert (point.samples, point.parallel) == (48, 16)
    assert point.first_token_s.low == pytest.approx(0.1)
    assert point.first_token_s.high == pytest.approx(0.3)


def test_what_every_request_waits_is_told_apart_from_the_prompt() -> None:
    rounds = [
        Round(length, (_sample(64, first=0.05 + length / 2000, prompt=length),)) for length in (100, 1000) * 3
    ]
    line = prompt_line(rounds)
    assert line is not None
    assert line[0].mid == pytest.approx(2000)
    assert line[1].mid == pytest.approx(0.05)


def test_a_prompt_that_takes_no_time_has_no_speed_of_its_own() -> None:
    rounds = [Round(length, (_sample(64, prompt=length),)) for length in (100, 1000)]
    assert prompt_line(rounds) is None
    assert prompt_line(rounds[:1]) is None
