"""Names of API models that are no longer served, given to commands."""

from __future__ import annotations

import pytest

from knowledge.errors import NoAnswerError, UnknownNameError
from tools.commands.lookups import any_model_named, model_named
from tools.price_claims import price_claim


@pytest.mark.parametrize("name", ["claude-3-5-sonnet", "Claude 3 Haiku", "gemini-1.5-pro"])
def test_a_retired_api_model_is_named_with_its_successor(name: str) -> None:
    claim = price_claim(name)
    assert claim is not None
    assert claim.successor is not None
    for lookup in (model_named, any_model_named):
        with pytest.raises(NoAnswerError) as caught:
            lookup(name)
        assert caught.value.code == "retired"
        assert caught.value.message == f"{claim.model} is retired: {claim.maker} no longer serves it."
        assert claim.successor.name in caught.value.hint


def test_a_name_that_nobody_knows_stays_unknown() -> None:
    with pytest.raises(UnknownNameError):
        any_model_named("no such model xyz")
