"""The index that the tests of the knowledge build, for asking as a person's machine would answer."""

from __future__ import annotations

from tests.knowledge.conftest import built_home, shipped

__all__ = ["built_home", "shipped"]
