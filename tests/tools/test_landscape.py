"""Every feasible model of a decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.errors import NoAnswerError
from tests.tui.pictures_data import LANDSCAPE
from tools.commands.recommend import exact_slot
from tools.landscape import landscape, with_front
from tools.needs import Needs
from tools.recommend import recommend


def needs(**slots: object) -> Needs:
    """Needs with exact values."""
    given = {"task": "code", "hardware": "RTX 3060 12GB", **slots}
    return Needs().updated(**{key: exact_slot(key, value) for key, value in given.items()})


def test_holds_the_recommended_models_as_recommended() -> None:
    asked = needs(context="16k")
    land = landscape(asked)
    assert len(land.places) > 50
    places = {place.model_id: place for place in land.places}
    for option in recommend(asked).candidates:
        place, c = places[str(option.model_id)], option.configuration
        assert c is not None
        assert place.quant == c.quant
        assert place.score == pytest.approx(option.quality.score)
        assert place.utility == pytest.approx(option.utility)


def test_what_the_card_holds_whole_is_within_its_room() -> None:
    land = landscape(needs(hardware="RTX 3060 12GB + 64 GB RAM"))
    assert all(place.memory_bytes <= land.room_bytes for place in land.places if not place.spills)
    assert any(place.memory_bytes > land.room_bytes for place in land.places if place.spills)


def test_front_is_what_nothing_beats() -> None:
    land = landscape(needs())
    for place in land.places:
        better = [
            one
            for one in land.places
            if one.memory_bytes <= place.memory_bytes
            and one.score >= place.score
            and (one.memory_bytes, one.score) != (place.memory_bytes, place.score)
        ]
        if place.on_front:
            assert not better
    scores = [place.score for place in land.front]
    assert scores == sorted(scores)


def test_the_front_of_equals_holds_one() -> None:
    place = LANDSCAPE.places[0]
    assert [one.on_front for one in with_front([place, replace(place, model="same")])] == [True, False]


@pytest.mark.parametrize("task", ["embedding", "reranking"])
def test_other_roles_have_one_too(task: str) -> None:
    land = landscape(needs(task=task))
    assert land.places
    assert all(place.memory_bytes > 0 for place in land.places)


def test_without_a_machine_there_is_none() -> None:
    with pytest.raises(NoAnswerError, match="no machine"):
        landscape(needs(deployment="api"))


def test_a_model_from_scratch_has_no_quality() -> None:
    with pytest.raises(NoAnswerError, match="from scratch"):
        landscape(needs(training="scratch"))
