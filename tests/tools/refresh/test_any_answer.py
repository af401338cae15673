"""Whatever JSON a hub, a price map or a board sends: nothing is raised, and what is taken is sound."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.api_models import bundled_price_map
from knowledge.catalog.overlay import EMPTY
from knowledge.catalog.price_rows import price_record
from knowledge.catalog.store import bundled_catalog, refreshed
from knowledge.catalog.validate import check_model
from knowledge.errors import NoAnswerError
from knowledge.today import today
from tests.tools.refresh.conftest import board
from tests.tools.refresh.test_hub_rows import CONFIG, NAME
from tools.introspect.hub_client import HubClient
from tools.refresh import boards, prices
from tools.refresh.hub_row import read_row

NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, -1, 10**12, 10**400, 1e308, True, None]))
LEAVES = st.one_of(NUMBERS, st.text(max_size=12), st.none())
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)
HUB_KEYS = ("id", "cardData", "safetensors", "siblings", "sha")


class FakeClient:
    """A hub that says what it is given."""

    shown, revision, repo = "https://hub", "main", NAME

    def __init__(self, facts: dict[str, Any], config: object) -> None:
        self._facts, self._config = facts, config

    def facts(self) -> dict[str, Any]:
        return self._facts

    def whole(self, *_: object) -> bytes:
        return json.dumps(self._config).encode()


@given(
    st.dictionaries(st.sampled_from(HUB_KEYS), JSON),
    st.dictionaries(st.sampled_from(["license", "license_name"]), JSON),
    st.dictionaries(st.sampled_from(["total", "parameters"]), JSON | st.just({"BF16": 1})),
    st.dictionaries(st.sampled_from(list(CONFIG)), JSON),
)
@settings(max_examples=150, deadline=None)
def test_any_facts_of_a_hub(
    facts: dict[str, Any], card: dict[str, Any], weights: dict[str, Any], config: dict[str, Any]
) -> None:
    catalog = bundled_catalog()
    record = catalog.by_id[NAME.lower()]
    told = {"cardData": card, "safetensors": weights, "siblings": [{"rfilename": "config.json"}], **facts}
    client = cast("HubClient", FakeClient(told, CONFIG | config))
    named = told.get("id")
    if isinstance(named, str) and named.lower() != NAME.lower():
        with pytest.raises(NoAnswerError, match="another model"):
            read_row(record, catalog, client, today())
        return
    change, problems = read_row(record, catalog, client, today())
    assert all(one.text.isprintable() and len(one.text) < 300 for one in problems)
    if change is not None:
        found = check_model(refreshed(record, change), catalog.licenses, today())
        assert [one for one in found if one.rule != "license"] == []


@given(
    st.dictionaries(
        st.sampled_from(["gpt-4o", "gpt-9", "x\x1b"]), JSON | st.just({"mode": "chat"}), min_size=1
    ),
    JSON,
)
@settings(max_examples=100, deadline=None)
def test_any_price_map(rows: dict[str, Any], field: object) -> None:
    plain = dict(bundled_price_map().rows["gpt-4o"])
    rows = {**rows, "gpt-4o-mini": {**plain, "input_cost_per_token": field, "max_input_tokens": field}}
    found = prices.sound_rows(rows, bundled_price_map(), EMPTY, today(), ())
    for change in found[0]:
        record = price_record(change.key, change.row, "x")
        assert record.input_usd_per_mtok is None or 0 < record.input_usd_per_mtok <= 10_000
        assert record.max_input_tokens is None or record.max_input_tokens <= prices.MOST_TOKENS


@given(
    st.dictionaries(st.text(max_size=12), st.fixed_dictionaries({"pass@1": JSON, "prompted": st.just(True)}))
)
@settings(max_examples=100, deadline=None)
def test_any_board(rows: dict[str, Any]) -> None:
    source = board("https://x")
    scores, _ = boards.scores_of(source, list(rows.items()), bundled_catalog(), "main", today())
    assert all(0 <= one.score <= 100 and one.model.isprintable() for one in scores)
