"""A conversation as one document, with every source: what the exports are written from."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, cast

from agent.cost import Account
from agent.events import NeedsChanged, Recommendation
from agent.standing import standing
from agent.state import State
from agent.timeline import MAIN, branch_of

FORMAT = 1
"""Version of the document."""


def transcript(name: str, state: State) -> dict[str, Any]:
    """All there is to know of a conversation.

    The line in view stands at the top level, the others under `branches`. Needs carry where each value came
    from, messages their citations, the recommendation its evidence; it is computed anew from the needs.

    Args:
        name: of the session.
        state: of the conversation, in the present form.
    """
    return {
        "format": FORMAT,
        "session": name,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": f"llm-advisor {version('llm-advisor')}",
        "cost": _cost(state),
        **_line(branch_of(state) or MAIN, state),
        "branches": [
            _line(
                other or MAIN,
                cast("State", {**line["state"], "messages": line["messages"], "path": line["path"]}),
            )
            for other, line in state.get("lines", {}).items()
        ],
    }


def _cost(state: State) -> dict[str, Any]:
    """What API models took for all lines together: tokens and US dollars (None where a price is unknown)."""
    account = Account()
    account.restore(state.get("spent", {}))
    told = account.event(None)
    return {
        "prompt_tokens": told.prompt_tokens,
        "answer_tokens": told.answer_tokens,
        "usd": told.usd,
        "estimated": told.estimated,
    }


def _line(name: str, state: State) -> dict[str, Any]:
    path = [MAIN, *state.get("path", [])]
    needs = NeedsChanged({})
    recommendation = None
    for event in standing(state):
        if isinstance(event, NeedsChanged):
            needs = event
        elif isinstance(event, Recommendation):
            recommendation = event.recommendation
    pending = state.get("pending")
    return {
        "branch": name,
        "from": path[-2] if len(path) > 1 else None,
        "messages": [
            {
                "role": said["role"],
                "text": said["text"],
                "at": said.get("at"),
                "citations": said.get("citations", []),
            }
            for said in state.get("messages", [])
        ],
        "needs": needs.needs,
        "assumptions": needs.assumptions,
        "question": dict(pending) if pending else None,
        "recommendation": recommendation,
    }
