"""LiteLLM's current price map: whole, partial, hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.catalog.api_models import bundled_price_map, price_map_path
from knowledge.catalog.overlay import EMPTY
from knowledge.today import today
from tests.fakes.http_server import Reply
from tests.tools.refresh.conftest import FakeFiles
from tools.refresh import fetching
from tools.refresh.found import Gathered
from tools.refresh.prices import ask_prices

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
KEY = "gpt-4o"


def shipped() -> dict[str, Any]:
    path = price_map_path()
    assert path is not None
    rows: dict[str, Any] = json.loads(path.read_bytes())
    return rows


def asked(files: FakeFiles, rows: object, only: tuple[str, ...] = ()) -> tuple[list[Any] | None, Gathered]:
    files.put("/map.json", rows)
    return ask_prices(bundled_price_map(), EMPTY, today(), only)


def with_row(**changes: Any) -> dict[str, Any]:
    rows = shipped()
    rows[KEY] |= changes
    return rows


def test_the_same_map_changes_nothing(files: FakeFiles) -> None:
    changes, gathered = asked(files, shipped())
    assert changes == []
    assert not gathered.differences
    assert not gathered.problems
    assert gathered.asked > 3000


def test_a_new_price_is_told_with_both_sources(files: FakeFiles) -> None:
    changes, gathered = asked(files, with_row(input_cost_per_token=5e-6))
    assert changes is not None
    assert [row.key for row in changes] == [KEY]
    assert changes[0].was is not None
    (told,) = gathered.differences
    assert (told.model, told.field, told.before, told.after) == (KEY, "input_usd_per_mtok", 2.5, 5.0)
    assert told.before_source.startswith("litellm ")
    assert "fetched 2027-01-03" in told.after_source


def test_a_new_model_and_a_price_that_no_record_shows(files: FakeFiles) -> None:
    rows = with_row(input_cost_per_token_batches=9.9e-7)
    rows["gpt-9"] = {
        "mode": "chat",
        "litellm_provider": "openai",
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 2e-6,
        "max_input_tokens": 100_000,
        "source": "http://x/\x1b[31m",
    }
    changes, gathered = asked(files, rows)
    assert changes is not None
    assert {row.key for row in changes} == {KEY, "gpt-9"}
    assert all("source" not in row.row for row in changes)
    told = {(row.model, row.field) for row in gathered.differences}
    assert (KEY, "other prices") in told
    assert ("gpt-9", "max_input_tokens") in told


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "zero": ({"input_cost_per_token": 0}, "unknown and not free"),
    "gone": ({"output_cost_per_token": None}, "unknown and not free"),
    "negative": ({"input_cost_per_token": -1e-6}, "is no price"),
    "words": ({"input_cost_per_token": "cheap"}, "is no price"),
    "true": ({"input_cost_per_token": True}, "is no price"),
    "not a number": ({"input_cost_per_token": float("nan")}, "is no price"),
    "infinite": ({"input_cost_per_token": float("inf")}, "is no price"),
    "a thousandfold": ({"input_cost_per_token": 2.5e-3}, "cannot be"),
    "thirty times": ({"input_cost_per_token": 7.5e-5}, "20 times off"),
    "a thirtieth": ({"output_cost_per_token": 3e-7}, "20 times off"),
    "a window of 10^12": ({"max_input_tokens": 10**12}, "max input tokens cannot be"),
    "a window of 10^400": ({"max_input_tokens": 10**400}, "is no number"),
    "a window in words": ({"max_input_tokens": "128k"}, "is no number"),
    "an end in words": ({"deprecation_date": "soon"}, "is no day"),
    "abilities in words": ({"supports_vision": "yes"}, "neither yes nor no"),
    "tiers of nonsense": ({"tiered_pricing": [{"range": "x"}]}, "tiered pricing is none"),
    "another kind": ({"mode": "image_generation"}, "no text model any more"),
    "no provider": ({"litellm_provider": 7}, "neither mode nor provider"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_cannot_be_is_left_and_said(files: FakeFiles, case: str) -> None:
    changes, said = WRONG[case]
    found, gathered = asked(files, with_row(**changes))
    assert found == []
    (problem,) = gathered.problems
    assert problem.text.startswith(f"{KEY}: ")
    assert said in problem.text


def test_rows_that_are_none_and_names_to_spoil_a_terminal(files: FakeFiles) -> None:
    rows = shipped()
    rows[KEY] = ["a", "list"]
    rows["evil\x1b[31m"] = {"mode": "chat", "litellm_provider": "openai", "input_cost_per_token": 1e-6}
    found, gathered = asked(files, rows)
    assert found == []
    assert [problem.text for problem in gathered.problems] == [
        f"{KEY}: no row of a model.",
        "a row: no name of a model.",
    ]


def test_a_part_of_the_map_leaves_the_other_rows(files: FakeFiles) -> None:
    row = shipped()[KEY] | {"input_cost_per_token": 5e-6}
    found, gathered = asked(files, {KEY: row})
    assert found is not None
    assert [change.key for change in found] == [KEY]
    assert "holds only 1 of the" in gathered.problems[0].text


def test_only_the_rows_that_are_asked_for(files: FakeFiles) -> None:
    rows = with_row(input_cost_per_token=5e-6)
    rows["gpt-4o-mini"]["input_cost_per_token"] *= 2
    found, gathered = asked(files, rows, ("gpt-4o-mini",))
    assert found is not None
    assert [change.key for change in found] == ["gpt-4o-mini"]
    assert gathered.asked == 1


ANSWERS: dict[str, tuple[Reply, str]] = {
    "a list": (Reply(b"[]"), "no price map"),
    "nothing": (Reply(b""), "no JSON"),
    "an empty map": (Reply(b"{}"), "no price map"),
    "a web page": (Reply(b"<!DOCTYPE html><p>Sign in"), "a web page instead of data"),
    "cut off": (Reply(b'{"gpt-4o": {"mode', claimed=90_000), "breaks its answer off"),
    "cut off without a sign": (Reply(b'{"gpt-4o": {"mode'), "no JSON"),
    "an error": (Reply(status=502), "status 502"),
    "not there": (Reply(status=404), "no such file"),
    "a redirect elsewhere": (
        Reply(status=302, headers={"Location": "http://127.0.0.2:1/x"}),
        "another server",
    ),
    "a redirect to a file": (Reply(status=302, headers={"Location": "file:///etc/passwd"}), ""),
    "a redirect in circles": (Reply(status=302, headers={"Location": "/map.json"}), "without an end"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_that_are_no_map(files: FakeFiles, case: str) -> None:
    files.replies["/map.json"], said = ANSWERS[case]
    found, gathered = ask_prices(bundled_price_map(), EMPTY, today())
    assert found is None
    (problem,) = gathered.problems
    assert said in problem.text


def test_too_large_and_too_slow_answers_are_left(files: FakeFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.refresh.prices.MAX_BYTES", 1000)
    files.replies["/map.json"] = Reply(b" " * 100_000)
    assert "which is not read" in ask_prices(bundled_price_map(), EMPTY, today())[1].problems[0].text
    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.1)
    files.replies["/map.json"] = Reply(b" " * 500, pause=0.01)
    assert "too slowly" in ask_prices(bundled_price_map(), EMPTY, today())[1].problems[0].text
