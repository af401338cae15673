"""`plan cost`: the ways side by side, hard constraints, break-even and the verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.catalog.api_models import load_api_models
from knowledge.errors import AdvisorError, NoAnswerError, UsageError
from knowledge.references import read_passage
from tools.commands.plan_cost import PlanCostQuery, cost
from tools.commands.requests import parse
from tools.registry import run_tool

DAYS = 365.25 / 12


def plan(**given: Any) -> dict[str, Any]:
    values = {"hardware": "RTX 3090 + 64GB RAM", "input_tokens": 800_000, "output_tokens": 200_000}
    return cost(parse(PlanCostQuery, {k: v for k, v in (values | given).items() if v is not None}))


def of_kind(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [option for option in document["options"] if option["kind"] == kind]


def test_all_three_ways_are_compared_with_money_quality_and_what_leaves() -> None:
    document = plan()
    assert json.dumps(document)
    assert [option["kind"] for option in document["options"]][:2] == ["local", "rented"]
    assert of_kind(document, "api")
    local, rented = of_kind(document, "local")[0], of_kind(document, "rented")[0]
    assert local["model_id"] == rented["model_id"]
    assert local["leaves"] == "nothing"
    assert "host" in rented["leaves"]
    for option in document["options"]:
        usd, each = option["usd_per_month"], option["usd_per_mtok"]
        assert 0 < usd["low"] <= usd["mid"] <= usd["high"]
        assert each["mid"] == pytest.approx(usd["mid"] / DAYS, abs=1e-3)  # a million tokens a day
        assert 0 < option["quality"]["score"] < 100
        assert option["formula"]
        assert option["evidence"]
    assert local["usd_per_month"]["low"] < local["usd_per_month"]["high"]
    assert document["verdict"]["text"].startswith(("Use the API: ", "Run it locally: ", "Rent: "))
    assert document["verdict"]["choice"] in ("api", "local", "rented")


def test_api_bills_are_those_of_the_map() -> None:
    models = {model.key: model for model in load_api_models()}
    for option in of_kind(plan(), "api"):
        model = models[option["model_id"]]
        assert model.input_usd_per_mtok
        assert model.output_usd_per_mtok
        daily = 0.8 * model.input_usd_per_mtok + 0.2 * model.output_usd_per_mtok
        assert option["usd_per_month"]["mid"] == pytest.approx(daily * DAYS, abs=0.01)
        assert option["usd_per_month"]["low"] == option["usd_per_month"]["high"]


def test_private_excludes_every_api_and_the_rented_machine_and_says_so() -> None:
    document = plan(private=True)
    assert not of_kind(document, "api")
    assert document["verdict"]["choice"] == "local"
    assert any(r["constraint"] == "privacy" and "API" in r["reason"] for r in document["rejected"])
    assert "leave" in of_kind(document, "rented")[0]["excluded"]
    with pytest.raises(UsageError, match="private"):
        plan(private=True, deployment="api")


def test_private_without_a_machine_has_no_answer() -> None:
    document = plan(private=True, hardware="none")
    assert document["error"]["code"] == "nothing_fits"
    assert document["verdict"]["choice"] is None


def test_without_a_machine_the_api_or_a_rented_one_is_left() -> None:
    document = plan(hardware="none")
    assert not of_kind(document, "local")
    assert of_kind(document, "rented")
    assert document["verdict"]["choice"] in ("api", "rented")


def test_a_cheap_rent_is_the_answer_and_said() -> None:
    document = plan(hardware="none", input_tokens=30_000_000, output_tokens=6_000_000, rent=0.05)
    assert document["verdict"]["choice"] == "rented"
    assert document["verdict"]["text"].startswith("Rent: ")
    assert "the rented GPU" in document["guide_rule"]["text"]


def test_what_is_set_is_used() -> None:
    usual, dear = (of_kind(plan(tariff=t), "local")[0] for t in ("0.10", "0.30"))
    assert dear["usd_per_month"]["mid"] == pytest.approx(3 * usual["usd_per_month"]["mid"], rel=0.01)
    watts = [of_kind(plan(watts=w), "local")[0]["usd_per_month"]["mid"] for w in (200, 400)]
    assert watts[1] == pytest.approx(2 * watts[0], rel=0.01)
    rented = [of_kind(plan(rent=r), "rented")[0]["usd_per_month"]["mid"] for r in (1.0, 2.0)]
    assert rented[1] == pytest.approx(2 * rented[0], rel=0.01)
    short, long = (of_kind(plan(hardware_price=1200, lifetime=m), "local")[0] for m in (12, 24))
    gap = short["usd_per_month"]["mid"] - long["usd_per_month"]["mid"]
    assert gap == pytest.approx(1200 / 12 - 1200 / 24, abs=0.02)
    assert short["usd_once"]["mid"] == 1200
    always = of_kind(plan(hours_on=24), "local")[0]
    assert always["usd_per_month"]["mid"] > of_kind(plan(), "local")[0]["usd_per_month"]["mid"]
    assert always["utilization"] == pytest.approx(always["hours_per_day"]["mid"] / 24, abs=0.01)


def test_hardware_to_buy_is_written_off_and_pays_off_at_the_months_it_says() -> None:
    document = plan(buy=True)
    local = of_kind(document, "local")[0]
    owned = of_kind(plan(), "local")[0]
    price = local["usd_once"]["mid"]
    assert local["usd_per_month"]["mid"] == pytest.approx(
        owned["usd_per_month"]["mid"] + price / 36, rel=0.01
    )
    bills = {option["model_id"]: option["usd_per_month"]["mid"] for option in of_kind(document, "api")}
    for row in document["break_even"]:
        if row["own_kind"] == "local" and row["months_to_pay_off"] is not None:
            saved = bills[row["api"]] - owned["usd_per_month"]["mid"]
            assert row["months_to_pay_off"] == pytest.approx(price / saved, rel=0.02)


def test_a_volume_that_no_day_holds_is_said_and_another_way_chosen() -> None:
    document = plan(hardware="RTX 3060 12GB", input_tokens=400_000_000, output_tokens=100_000_000)
    local = of_kind(document, "local")[0]
    assert local["serves_volume"] is False
    assert "cannot serve" in local["excluded"]
    assert local["most_tokens_per_day"] < 500_000_000
    assert document["verdict"]["choice"] != "local"
    assert any("cannot serve" in line for line in document["verdict"]["why"])


def test_what_a_machine_cannot_serve_is_priced_by_what_it_serves() -> None:
    volumes = (
        {"input_tokens": 400_000_000, "output_tokens": 100_000_000},
        {"input_tokens": 4_000_000_000, "output_tokens": 1_000_000_000},
    )
    large, huge = (plan(hardware="RTX 3060 12GB", buy=True, **volume) for volume in volumes)
    one, other = (of_kind(document, "local")[0] for document in (large, huge))
    assert one["usd_per_mtok"]["mid"] == pytest.approx(other["usd_per_mtok"]["mid"], rel=0.01)
    for first, second in zip(large["break_even"], huge["break_even"], strict=True):
        if first["own_kind"] == "local" and first["api"] == second["api"]:
            assert first["months_to_pay_off"] is None
            if first["tokens_per_day"]:
                assert first["tokens_per_day"] == pytest.approx(second["tokens_per_day"], rel=0.01)


def test_several_conversations_at_once_are_tried_before_a_volume_is_refused() -> None:
    crowd = of_kind(plan(input_tokens=1_000_000, output_tokens=6_000_000), "local")[0]
    assert crowd["users"] > 1
    assert crowd["serves_volume"]


def test_the_rule_of_the_guide_is_checked_by_calculation() -> None:
    owned = plan()["guide_rule"]
    assert "1 million tokens a day" in owned["text"]
    guide = next(e for e in owned["evidence"] if e["kind"] == "guide")
    section = read_passage(guide["locator"])
    assert section is not None
    assert "1M" in section.text
    for given in ({"hours_on": 24}, {"buy": True}, {"buy": True, "tariff": "de"}, {}):
        document = plan(**given)
        rule = document["guide_rule"]
        apis = {o["model_id"]: o["usd_per_month"]["mid"] for o in of_kind(document, "api")}
        rows = [row for row in document["break_even"] if row["own_kind"] == "local"]
        first = min(rows, key=lambda row: apis[row["api"]])
        tokens = first["tokens_per_day"]
        assert rule["holds"] is (tokens is not None and 0 < tokens <= 1_000_000 and first["within_capacity"])
        assert ("does not hold" in rule["text"]) is (tokens is None or tokens > 1_000_000)


@pytest.mark.parametrize(
    "given", [{"hours_on": 24}, {"buy": True}, {"hardware": "none"}, {"input_tokens": 3000}]
)
def test_below_the_break_even_the_api_is_cheaper_and_above_it_is_not(given: dict[str, Any]) -> None:
    """Said at one volume, asked again at others: the command may not contradict itself."""
    document = plan(**given)
    volume = document["volume"]
    total = sum(volume.values())
    assert document["break_even"]
    for row in document["break_even"]:
        if not row["tokens_per_day"]:
            continue
        for factor, cheaper in ((0.98, False), (1.02, True)):
            if (tokens := row["tokens_per_day"] * factor) > row["most_tokens_per_day"]:
                continue
            at = {
                f"{name}_tokens": round(volume[f"{name}_tokens_per_day"] / total * tokens)
                for name in ("input", "output")
            }
            again = plan(**(given | at), api=[row["api"]], model=row["own"])
            own, api = of_kind(again, row["own_kind"])[0], of_kind(again, "api")[0]
            assert own["serves_volume"]
            if row["own_kind"] == "rented" and own["where"] not in row["own_label"]:
                continue  # another card is cheaper at that volume
            assert (own["usd_per_month"]["mid"] <= api["usd_per_month"]["mid"]) is cheaper, row["text"]


def test_a_break_even_with_a_crowd_is_found_from_a_small_volume_too() -> None:
    rows = [row for row in plan(hardware="none")["break_even"] if row["own_kind"] == "rented"]
    assert rows
    assert all(row["tokens_per_day"] for row in rows), "one conversation at a time is not all a card serves"
    assert all("conversations at once" in row["text"] for row in rows)


def test_where_it_is_never_cheaper_the_most_it_serves_is_said() -> None:
    document = plan(hardware="none", rent=40)
    for row in document["break_even"]:
        assert row["tokens_per_day"] is None
        assert row["own_usd_per_mtok"] > row["api_usd_per_mtok"]
        assert "at no volume that it serves" in row["text"]
    assert document["guide_rule"]["holds"] is False
    assert "every volume that it serves" in document["guide_rule"]["text"]


def test_a_stated_rent_is_that_of_one_card() -> None:
    usual = of_kind(plan(hardware="none", rent=0.4), "rented")[0]
    assert usual["where"] == "RTX 4090"
    assert "RTX 4090" in usual["label"]
    assert any("stated rent" in note and "RTX 4090" in note for note in usual["notes"])
    named = of_kind(plan(rent=0.4), "rented")[0]
    assert named["where"] == "RTX 3090"
    said = of_kind(plan(hardware="rented H100", rent=2.0), "rented")
    assert [option["where"].split(",")[0] for option in said] == ["1 x H100 PCIe 80GB"]


def test_a_model_too_large_for_one_card_is_rented_on_several() -> None:
    document = plan(hardware="none", model="deepseek-v3", deployment="local")
    rented = of_kind(document, "rented")[0]
    assert rented["where"].startswith(("2x ", "4x ", "8x "))
    count = int(rented["where"][0])
    assert rented["formula"].startswith(f"{count} x $")
    assert "error" not in document


def test_a_model_too_large_for_every_rented_machine_is_said() -> None:
    document = plan(hardware="none", model="deepseek-v3", deployment="local", rent=0.4)  # eight RTX 4090
    assert not document["options"]
    assert "does not fit on 8 rented cards (GeForce RTX 4090)" in document["error"]["message"]


def test_the_repeated_prefix_is_read_again_by_nobody() -> None:
    plain, cached = plan(api="gpt-4o-mini"), plan(api="gpt-4o-mini", cached=0.9)
    for kind in ("local", "rented", "api"):
        usual, less = (of_kind(document, kind)[0] for document in (plain, cached))
        assert less["usd_per_month"]["mid"] < usual["usd_per_month"]["mid"], kind
    hours = [of_kind(document, "local")[0]["hours_per_day"]["mid"] for document in (plain, cached)]
    local = of_kind(plain, "local")[0]
    reading = 0.9 * 800_000 / local["prompt_tokens_per_second"]["mid"] / 3600
    assert hours[0] - hours[1] == pytest.approx(reading, abs=0.02)
    assert any("repeated 90%" in caveat for caveat in cached["caveats"])
    assert not any("repeated" in caveat for caveat in plain["caveats"])


def test_a_small_bill_is_an_assumption_with_its_source_and_in_the_sentence() -> None:
    document = plan(input_tokens=3000, output_tokens=600)
    small = next(a for a in document["assumptions"] if a["slot"] == "small_bill")
    assert "$20.00" in small["value"]
    assert "subscription" in small["why"]
    assert "up to $20.00 a month counts as small" in document["verdict"]["text"]
    budgeted = plan(input_tokens=3000, output_tokens=600, budget=50)
    assert not [a for a in budgeted["assumptions"] if a["slot"] == "small_bill"]


def test_what_pays_off_after_its_write_off_does_not_pay_off() -> None:
    rows = [row for row in plan(buy=True)["break_even"] if row["own_kind"] == "local"]
    assert rows
    for row in rows:
        late = row["months_to_pay_off"] is not None and row["months_to_pay_off"] > 36
        assert late
        assert row["pays_off_within_lifetime"] is False
        assert "does not pay off within its 36 months" in row["text"]
    soon = plan(buy=True, hardware_price=10)["break_even"][0]
    assert soon["pays_off_within_lifetime"] is True
    assert "pays off in about" in soon["text"]


def test_what_is_served_in_part_is_never_just_called_cheaper() -> None:
    document = plan(hardware="RTX 3060 12GB", input_tokens=400_000_000, output_tokens=100_000_000)
    local = of_kind(document, "local")[0]
    assert local["served_tokens_per_day"] == pytest.approx(local["most_tokens_per_day"], rel=1e-6)
    for row in document["break_even"]:
        if row["own_kind"] == "local" and row["tokens_per_day"] is not None:
            assert "which is all it serves" in row["text"]


def test_points_are_those_of_the_scores_that_are_shown() -> None:
    document = plan()
    chosen = next(o for o in document["options"] if o["model_id"] == document["verdict"]["model_id"])
    said = [line for line in document["verdict"]["why"] if "points better" in line]
    assert said
    for line in said:
        other = next(o for o in document["options"] if line.startswith(o["model"] + " "))
        gap = round(float(f"{other['quality']['score']:.0f}") - float(f"{chosen['quality']['score']:.0f}"))
        assert f"expected {gap} points better" in line


def test_named_models_are_compared_and_a_retired_one_gets_its_reason() -> None:
    document = plan(model="llama3.1:8b", api="gpt-4o-mini, o1")
    assert of_kind(document, "local")[0]["model_id"] == "meta-llama/Llama-3.1-8B-Instruct"
    named = {o["model_id"] for o in of_kind(document, "api")} | {r["model_id"] for r in document["rejected"]}
    assert {"gpt-4o-mini", "o1"} <= named
    with pytest.raises(NoAnswerError) as caught:
        plan(api="claude-3-opus-20240229")
    assert "retired" in caught.value.hint


def test_a_model_that_does_not_fit_is_said() -> None:
    document = plan(model="Qwen3-235B-A22B")
    assert not of_kind(document, "local")
    assert any("does not fit" in r["reason"] for r in document["rejected"])


def test_a_budget_excludes_what_is_above_it() -> None:
    document = plan(budget=10, priority="quality")
    for option in document["options"]:
        assert option["excluded"] or option["usd_per_month"]["mid"] <= 10
    once = plan(buy=True, budget_once=300)
    assert "budget" in of_kind(once, "local")[0]["excluded"]


def test_priority_cost_takes_the_cheapest_as_good() -> None:
    document = plan(priority="cost")
    able = [o for o in document["options"] if not o["excluded"]]
    least = of_kind(document, "local")[0]["quality"]["score"] - 2.0
    cheapest = min(
        (o for o in able if o["kind"] != "api" or o["quality"]["score"] >= least),
        key=lambda o: o["usd_per_month"]["mid"],
    )
    assert document["verdict"]["model_id"] == cheapest["model_id"]
    assert document["verdict"]["choice"] == cheapest["kind"]


@pytest.mark.parametrize(
    "given",
    [
        {"input_tokens": 0, "output_tokens": 0},
        {"input_tokens": None, "output_tokens": None, "requests": 0},
        {"input_tokens": None, "output_tokens": None, "requests": 0, "hardware": "none"},
        {"input_tokens": -1},
        {"input_tokens": True},
        {"tariff": "banana"},
        {"hardware": "banana"},
        {"rent": 0},
        {"hours_on": 25},
        {"cached": 1.5},
        {"lifetime": 0},
        {"hardware_price": float("inf")},
        {"model": "no such model xyz"},
        {"api": "no-such-api-xyz"},
        {"nonsense": 1},
    ],
)
def test_bad_input_is_an_error_with_a_sentence(given: dict[str, Any]) -> None:
    with pytest.raises(AdvisorError) as caught:
        plan(**given)
    assert caught.value.message.endswith(".")


def test_volumes_are_counted_in_tens() -> None:
    assert plan(input_tokens="2M", output_tokens="500k")["volume"] == {
        "input_tokens_per_day": 2_000_000,
        "output_tokens_per_day": 500_000,
    }


def test_a_language_model_gets_the_same_document() -> None:
    given = {"hardware": "RTX 3090", "input_tokens": 1000, "output_tokens": 100}
    assert run_tool("plan_cost", given) == cost(parse(PlanCostQuery, given))
