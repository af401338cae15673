"""The same machine is detected in every test of the agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.eval.conversation import fixed_machine


@pytest.fixture(autouse=True)
def _one_machine() -> Iterator[None]:
    with fixed_machine():
        yield
