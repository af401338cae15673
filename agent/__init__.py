"""The conversation: it interviews, understands, explains, and holds every word to its ground.

`from agent import Advisor` drives one from Python, see `docs/python-api.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.api import Advisor, AsyncAdvisor, Reply

__all__ = ["Advisor", "AsyncAdvisor", "Reply"]


def __getattr__(name: str) -> object:
    # Imported when it is asked for: most of the program needs only modules below this one.
    if name in __all__:
        import agent.api

        return getattr(agent.api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
