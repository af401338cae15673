"""A state folder of their own for tests that add models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.catalog.store import forget_added
from knowledge.home import HOME_VARIABLE


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The state folder of this test."""
    folder = tmp_path / "state"
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    forget_added()
    yield folder
    forget_added()
