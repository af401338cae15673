"""Refreshed facts beside the bundled ones: kept whole, dropped, damaged, and older than the next release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.api_models import bundled_price_map, load_api_models, read_price_map
from knowledge.catalog.overlay import (
    EMPTY,
    FieldChange,
    ModelChange,
    Overlay,
    PriceChange,
    ScoreChange,
    drop_overlay,
    load_overlay,
    overlay_path,
    write_overlay,
)
from knowledge.catalog.store import bundled_catalog, forget_added, load_catalog
from knowledge.errors import AdvisorError

ID = "Qwen/Qwen3-8B"
DAY = "2027-01-03"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "state"))
    forget_added()
    yield
    forget_added()


def model_change(fetched: str = DAY, **fields: Any) -> ModelChange:
    changes = tuple(
        FieldChange(
            field=name, value=value, was=getattr(bundled_catalog().by_id[ID.lower()], name), was_source="x"
        )
        for name, value in fields.items()
    )
    return ModelChange(id=ID, changes=changes, source="hub/y", fetched=fetched)


def kept(overlay: Overlay) -> None:
    write_overlay(overlay)
    forget_added()


def test_nothing_there_is_an_empty_one() -> None:
    assert load_overlay() == EMPTY
    assert load_catalog() is bundled_catalog()
    assert drop_overlay() is False


def test_a_change_holds_in_the_catalog_and_not_in_the_bundled_one() -> None:
    kept(Overlay(models=(model_change(context_length=65536, license="mit"),), checked={ID: DAY}))
    record, bundled = load_catalog().by_id[ID.lower()], bundled_catalog().by_id[ID.lower()]
    assert (record.context_length, record.license, record.as_of) == (65536, "mit", DAY)
    assert (bundled.context_length, bundled.license) == (40960, "apache-2.0")
    told = load_catalog().sources(ID)["context_length"]
    assert told == f"refreshed on {DAY} from hub/y; bundled: 40,960 (x)"
    assert drop_overlay()
    forget_added()
    assert load_catalog().by_id[ID.lower()] == bundled


def test_a_later_release_of_the_catalog_wins() -> None:
    kept(Overlay(models=(model_change("2025-01-01", context_length=65536),)))
    assert load_catalog().by_id[ID.lower()].context_length == 40960
    assert load_catalog().refreshed(ID) is None


def test_a_change_that_makes_no_record_is_left_out() -> None:
    change = model_change().model_copy(
        update={"changes": (FieldChange(field="context_length", value="long"),)}
    )
    kept(Overlay(models=(change,)))
    assert load_catalog().by_id[ID.lower()] == bundled_catalog().by_id[ID.lower()]


def damaged() -> list[bytes]:
    whole = overlay_path().read_bytes()
    stored = json.loads(whole)
    stored["overlay"]["models"][0]["changes"][0]["value"] = 1
    return [
        b"",
        b"{}",
        b"[]",
        whole[:-20],
        whole[: len(whole) // 2],
        json.dumps(stored).encode(),
        b"\xff\xfe",
    ]


def test_a_damaged_file_is_left_out_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    kept(Overlay(models=(model_change(context_length=65536),)))
    for data in damaged():
        overlay_path().write_bytes(data)
        forget_added()
        caplog.clear()
        assert load_overlay() == EMPTY
        assert len(caplog.records) == 1
        assert "models refresh" in caplog.text
    assert drop_overlay()


def test_an_interrupted_write_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Overlay(models=(model_change(context_length=65536),))
    kept(old)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("knowledge.files.os.fsync", full)
    with pytest.raises(AdvisorError, match="No space left"):
        write_overlay(Overlay(checked={ID: DAY}))
    forget_added()
    assert load_overlay() == old
    assert [path.name for path in overlay_path().parent.iterdir() if path.suffix == ".new"] == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(AdvisorError, match="cannot be changed"):
        write_overlay(EMPTY)


def price(fetched: str) -> Overlay:
    row = {**bundled_price_map().rows["gpt-4o"], "input_cost_per_token": 5e-6}
    change = PriceChange(key="gpt-4o", row=row, source="map", fetched=fetched)
    return Overlay(prices=(change,), prices_fetched=fetched)


def test_refreshed_prices_stand_in_the_map_with_their_source() -> None:
    kept(price(DAY))
    model = next(model for model in load_api_models() if model.key == "gpt-4o")
    assert (model.input_usd_per_mtok, model.source) == (5.0, f"map, fetched {DAY}")
    assert read_price_map().rows["gpt-4o"]["input_cost_per_token"] == 5e-6
    before = bundled_price_map().record("gpt-4o")
    assert before is not None
    assert before.input_usd_per_mtok == 2.5
    kept(price("2025-01-01"))  # a package that is newer than what was fetched
    assert read_price_map().rows["gpt-4o"]["input_cost_per_token"] == 2.5e-6


def test_a_refreshed_score_takes_the_place_of_its_board_only() -> None:
    benchmarks = bundled_catalog().benchmarks
    old = benchmarks.for_model(ID)[0]
    change = ScoreChange(
        model="Qwen3 8B",
        hf_id=ID,
        benchmark=old.benchmark,
        score=old.score + 1,
        unit=old.unit,
        higher_is_better=old.higher_is_better,
        setting=old.setting,
        source=old.source.split("@")[0] + "@new",
        as_of=DAY,
        run_by=old.run_by,
        fetched=DAY,
    )
    kept(Overlay(scores=(change,)))
    now = load_catalog().benchmarks.for_model(ID)
    assert now[-1].score == old.score + 1
    assert old not in now
    assert len(now) == len(benchmarks.for_model(ID))
    assert load_catalog().benchmarks.for_name("qwen3 8b") == (now[-1],)
    assert "Qwen3 8B" in load_catalog().benchmarks.names
    kept(Overlay(scores=(change.model_copy(update={"as_of": "2020-01-01"}),)))
    assert old in load_catalog().benchmarks.for_model(ID)
