"""Makers, their seats, age, data and thinking as constraints."""

from __future__ import annotations

import pytest

from knowledge.catalog.publishers import countries_of, has_open_data, publisher_of, publishers
from knowledge.catalog.store import load_catalog
from tools.brief import brief_of
from tools.needs import HardwareNeed, ModelWish, Needs, Slot, TaskNeed
from tools.recommend import recommend
from tools.wishes import kind_refusal, loosenings, maker_names, place_refusal, unknown_place, without_choice


def _recommended(wish: ModelWish) -> list[str]:
    needs = Needs(
        task=Slot(value=TaskNeed(name="chat")),
        hardware=Slot(value=HardwareNeed(text="RTX 4090, 64 GB RAM")),
        model=Slot(value=wish),
    )
    assert brief_of(needs).wish == wish
    return [str(candidate.model_id) for candidate in recommend(needs).candidates]


def test_the_table_names_each_organization_once_and_knows_most_of_the_catalog() -> None:
    rows = publishers().publishers
    assert len({row.org.lower() for row in rows}) == len(rows)
    assert all(len(row.country) == 2 and row.country.isupper() and row.seat for row in rows)
    models = load_catalog().models
    known = [model for model in models if publisher_of(model.id) is not None]
    assert len(known) >= 0.9 * len(models)


def test_no_chinese_models() -> None:
    found = _recommended(ModelWish(excluded_places=("CN",)))
    assert found
    makers = [publisher_of(model_id) for model_id in found]
    assert all(maker is None or maker.country != "CN" for maker in makers)
    assert not [model_id for model_id in found if "qwen" in model_id.lower()]


def test_from_europe() -> None:
    found = _recommended(ModelWish(places=("europe",)))
    assert found
    makers = [publisher_of(model_id) for model_id in found]
    assert all(maker is not None and maker.country in countries_of(("europe",)) for maker in makers)


def test_a_maker_is_ruled_out_by_its_name() -> None:
    assert not [m for m in _recommended(ModelWish(excluded=("google",))) if m.startswith("google/")]
    assert {"google", "meta", "microsoft", "mistral"} <= set(maker_names())


def test_derivatives_count_by_the_brand_they_carry() -> None:
    wish = ModelWish(excluded_places=("CN",))
    refused = place_refusal(wish, "nvidia/Some-Qwen-Tune", "nvidia/Some-Qwen-Tune", "Qwen2.5")
    assert refused is not None
    assert "China" in refused


def test_an_unknown_seat_stays_unknown_and_is_said() -> None:
    out, wanted = ModelWish(excluded_places=("CN",)), ModelWish(places=("europe",))
    assert place_refusal(out, "nobody/knows", "nobody/knows") is None
    assert "not known" in str(unknown_place(out, "nobody/knows"))
    assert "not known" in str(place_refusal(wanted, "nobody/knows", "nobody/knows"))
    assert unknown_place(wanted, "nobody/knows") is None


def test_age_open_data_and_thinking() -> None:
    models = load_catalog().models
    old = next(m for m in models if m.release_date and m.release_date < "2024")
    assert kind_refusal(ModelWish(newer_than="2025-01-01"), old) is not None
    thinker = next(m for m in models if m.thinking == "yes")
    assert kind_refusal(ModelWish(no_thinking=True), thinker) is not None
    closed = next(m for m in models if not has_open_data(m.id))
    assert kind_refusal(ModelWish(open_data=True), closed) is not None
    open_model = next(m for m in models if has_open_data(m.id))
    assert kind_refusal(ModelWish(open_data=True), open_model) is None


def test_where_nothing_is_left_it_is_said_what_would_have_to_give() -> None:
    needs = Needs(
        task=Slot(value=TaskNeed(name="chat")),
        hardware=Slot(value=HardwareNeed(text="RTX 4090, 64 GB RAM")),
        model=Slot(value=ModelWish(newer_than="2031-01-01")),
    )
    found = recommend(needs)
    assert not found.candidates
    assert any("older model" in change.condition for change in found.would_change)


@pytest.mark.parametrize(
    "name", ["places", "excluded_places", "excluded", "newer_than", "open_data", "no_thinking"]
)
def test_every_constraint_can_be_given_up(name: str) -> None:
    value: object = (
        True if name in ("open_data", "no_thinking") else "2025-01" if name == "newer_than" else ("x",)
    )
    wish = ModelWish.model_validate({name: value})
    ((words, free),) = loosenings(wish)
    assert words
    assert free == ModelWish()
    assert without_choice(ModelWish(named=("a/b",), max_params_b=3)) == ModelWish()


def test_seats_that_an_account_does_not_tell_say_what_they_rest_on() -> None:
    assert all(row.basis for row in publishers().publishers if row.org in ("intfloat", "thenlper", "bigcode"))
    maker = publisher_of("thenlper/gte-base")
    assert maker is not None
    assert maker.country == "CN"


def test_a_seat_that_is_not_known_is_said_and_rules_nothing_out() -> None:
    wish = ModelWish(excluded_places=("CN",))
    unknown = next(m for m in load_catalog().models if publisher_of(m.origin_id) is None)
    assert place_refusal(wish, unknown.origin_id) is None
    told = unknown_place(wish, unknown.origin_id)
    assert told is not None
    assert "not known" in told
