"""What a hub says of the catalog's models: what is sound is a difference, what cannot be is one sentence."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from knowledge.catalog.overlay import EMPTY, Overlay
from knowledge.catalog.store import bundled_catalog, load_catalog
from knowledge.today import today
from tests.fakes.http_server import FakeServer, Reply
from tests.fakes.hub import FakeHub
from tools.refresh import hub as module
from tools.refresh.hub import HubRows, ask_hub, chosen

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NAME = "Qwen/Qwen3-8B"
COUNT = 8_190_735_360
CONFIG: dict[str, Any] = {
    "model_type": "qwen3",
    "num_hidden_layers": 36,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 12288,
    "vocab_size": 151936,
    "tie_word_embeddings": False,
    "max_position_embeddings": 40960,
}


def publish(hub: FakeHub, config: object = None, count: object = COUNT, **card: Any) -> None:
    """The model as its maker has it, with changes."""
    data = json.dumps(CONFIG | config).encode() if isinstance(config, dict) else config
    hub.repositories[NAME] = {"config.json": data if isinstance(data, bytes) else json.dumps(CONFIG).encode()}
    hub.cards[NAME] = {
        "cardData": {"license": "apache-2.0", **card},
        "safetensors": {"parameters": {"BF16": count}, "total": count},
    }


def asked(*names: str, overlay: Overlay = EMPTY) -> HubRows:
    catalog = bundled_catalog()
    return ask_hub([catalog.by_id[name.lower()] for name in names or (NAME,)], catalog, overlay, today())


def fields(rows: HubRows) -> dict[str, tuple[Any, Any]]:
    return {row.field: (row.before, row.after) for row in rows.gathered.differences}


def sentences(rows: HubRows) -> str:
    return " ".join(problem.text for problem in rows.gathered.problems)


def test_a_hub_that_agrees_changes_nothing_and_is_noted(hub: FakeHub) -> None:
    publish(hub)
    rows = asked()
    assert (rows.changes, rows.gathered.differences, rows.gathered.problems) == ({NAME: None}, [], [])
    assert rows.gathered.asked == 1


def test_license_window_and_count_change_with_both_sources(hub: FakeHub) -> None:
    publish(hub, {"max_position_embeddings": 65536}, COUNT + 80_000_000, license="mit")
    rows = asked()
    told = fields(rows)
    assert told["license"] == ("apache-2.0", "mit")
    assert told["context_length"] == (40960, 65536)
    assert told["params_total"] == (COUNT, COUNT + 80_000_000)
    change = rows.changes[NAME]
    assert change is not None
    assert NAME in change.source
    assert change.fetched == "2027-01-03"
    assert all(one.was_source for one in change.changes)
    assert all(row.before_source and row.after_source for row in rows.gathered.differences)


def test_a_license_that_nobody_read_is_unknown_for_business(hub: FakeHub) -> None:
    publish(hub, license="other", license_name="acme-research-1")
    told = fields(asked())
    assert told["license"] == ("apache-2.0", "acme-research-1")
    assert told["commercial_use"] == ("yes", "unknown")


def test_a_shape_is_told_by_its_sizes(hub: FakeHub) -> None:
    sizes = {"num_hidden_layers": 38, "num_key_value_heads": 4}
    implied = COUNT + 2 * 192_945_408 - 38 * 2 * 4 * 128 * 4096
    publish(hub, sizes, implied)
    before, after = fields(asked())["architecture"]
    assert (before["layers"], after["layers"], before["kv_heads"], after["kv_heads"]) == (36, 38, 8, 4)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a thousand times the parameters": ({"count": COUNT * 1000}, "parameters are said to be"),
    "negative parameters": ({"count": -COUNT}, "parameters are said to be"),
    "parameters in words": ({"count": "many"}, "no number"),
    "parameters that are true": ({"count": True}, "no number"),
    "10^5000 parameters": ({"count": 10**30}, "more than 10^18"),
    "parameters that the shape denies": ({"count": COUNT * 2}, "params total is left as it was"),
    "a window of 10^12": ({"config": {"max_position_embeddings": 10**12}}, "max_position_embeddings"),
    "a window of a thousand million": (
        {"config": {"max_position_embeddings": 10**9}},
        "1,000,000,000 tokens, which cannot be",
    ),
    "a window of minus one": ({"config": {"max_position_embeddings": -1}}, "max_position_embeddings"),
    "a window in words": ({"config": {"max_position_embeddings": "long"}}, "max_position_embeddings"),
    "heads that do not divide": ({"config": {"num_key_value_heads": 7}}, "architecture is left as it was"),
    "layers of another model": ({"config": {"num_hidden_layers": 4}}, "architecture is left as it was"),
    "no JSON": ({"config": b"<html>"}, "no JSON"),
    "a list": ({"config": b"[1]"}, "no configuration"),
    "JSON that is cut off": ({"config": b'{"model_type": "qwen3", '}, "no JSON"),
    "nesting": ({"config": b'{"a":' * 50_000}, "no JSON"),
    "5 MB": ({"config": b" " * (5 << 20)}, "sends more than"),
    "a license with control characters": ({"license": "mit\x1b[31m"}, "no license's name"),
    "a license with markup": ({"license": "[link=x]mit[/link]"}, "no license's name"),
    "a license as a table": ({"license": {"a": 1}}, "no license's name"),
    "a license of a novel": ({"license": "a" * 5000}, "no license's name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_left_and_said(hub: FakeHub, case: str) -> None:
    changes, said = WRONG[case]
    publish(hub, **changes)
    rows = asked()
    assert rows.changes == {NAME: None}
    assert not rows.gathered.differences
    assert len(rows.gathered.problems) == 1
    text = sentences(rows)
    assert said in text
    assert text.isprintable()
    assert text.startswith(NAME)


def test_of_an_answer_that_is_wrong_in_part_the_sound_part_is_taken(hub: FakeHub) -> None:
    publish(hub, {"max_position_embeddings": 65536}, COUNT * 1000, license="mit")
    rows = asked()
    assert set(fields(rows)) == {"license", "commercial_condition", "context_length"}
    assert len(rows.gathered.problems) == 1


def test_weights_that_are_packed_tell_no_count(hub: FakeHub) -> None:
    publish(hub)
    hub.cards[NAME]["safetensors"] = {"parameters": {"I32": 10**9, "F16": 10**8}, "total": 11 * 10**8}
    rows = asked()
    assert not rows.gathered.differences
    assert not rows.gathered.problems


API = f"api/models/{NAME}"
ANSWERS: dict[str, tuple[Reply, str]] = {
    "a web page": (Reply(b"<!doctype html><h1>Log in"), "does not answer with the facts"),
    "a list": (Reply(b"[]"), "does not answer with the facts"),
    "cut off": (Reply(b'{"id": "Qwen', claimed=5000), "does not answer"),
    "another model": (Reply(b'{"id": "evil/Model"}'), "another model"),
    "an error": (Reply(status=500), "status 500"),
    "too many requests": (Reply(status=429), "status 429"),
    "a redirect in circles": (Reply(status=302, headers={"Location": f"/{API}"}), "without an end"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_that_are_none(hub: FakeHub, case: str) -> None:
    publish(hub)
    hub.replies[API], said = ANSWERS[case]
    rows = asked()
    assert not any(rows.changes.values())
    assert not rows.gathered.differences
    assert said in sentences(rows)


def test_a_redirect_elsewhere_is_not_followed_and_gets_no_token(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with FakeServer(lambda _: Reply(b'{"id": "Qwen/Qwen3-8B"}')) as other:
        hub.replies[API] = Reply(status=307, headers={"Location": f"{other.url}/x"})
        rows = asked()
        assert not other.asked
    assert "another server" in sentences(rows)
    assert "hf_secret" not in sentences(rows)


def test_a_redirect_on_the_hub_itself_is_followed(hub: FakeHub) -> None:
    publish(hub, license="mit")
    hub.replies[API] = Reply(status=307, headers={"Location": f"/api/models/{NAME.lower()}"})
    hub.repositories[NAME.lower()], hub.cards[NAME.lower()] = hub.repositories[NAME], hub.cards[NAME]
    assert fields(asked())["license"] == ("apache-2.0", "mit")


@pytest.mark.parametrize(
    "listed", [{"blobId": "0" * 40}, {"size": 7}, {"lfs": {"sha256": "0" * 64, "size": 3}}]
)
def test_a_file_that_is_not_the_one_listed_is_left(hub: FakeHub, listed: dict[str, Any]) -> None:
    publish(hub, {"max_position_embeddings": 65536}, license="mit")
    hub.digests[NAME, "config.json"] = listed
    rows = asked()
    assert "context_length" not in fields(rows)
    assert "license" in fields(rows)
    assert "is not what the hub lists" in sentences(rows)


def test_a_slow_hub_is_left(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODEL_SECONDS", 0.2)
    publish(hub)
    hub.replies[API] = Reply(b'{"id": "' + b"x" * 400, pause=0.02)
    rows = asked()
    assert "too slowly" in sentences(rows)
    assert not rows.changes


def test_after_failures_in_a_row_it_is_asked_no_more(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    hub.status = 503
    rows = asked(*[record.id for record in bundled_catalog().models[:40]])
    assert len(hub.asked) < 12
    assert (
        rows.gathered.problems[-1].text
        == "The hub was asked for no more: 37 of 40 models were not asked for."
    )
    assert all(problem.service for problem in rows.gathered.problems)


def test_a_hub_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        rows = asked()
    assert "does not answer" in sentences(rows)


def test_models_that_are_gone_or_gated_are_said_and_the_others_asked(hub: FakeHub) -> None:
    publish(hub)
    rows = asked("google/gemma-3-1b-it", NAME)
    assert rows.changes == {NAME: None}
    assert "google/gemma-3-1b-it: the hub has no model" in sentences(rows)
    assert not rows.gathered.problems[0].service


def test_those_that_were_not_asked_for_the_longest_come_first() -> None:
    catalog = load_catalog()
    first = chosen(catalog, EMPTY, [])
    assert len(first) == module.MOST
    assert first[0].downloads == max(model.downloads or 0 for model in catalog.models)
    later = Overlay(checked=dict.fromkeys((model.id for model in first), "2027-01-01"))
    assert not {model.id for model in chosen(catalog, later, [])} & {model.id for model in first}
