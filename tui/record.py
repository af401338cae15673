"""What was computed and looked up in this sitting, turn by turn, for whoever wants to see the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.events import Event, Message, Recommendation, ToolCall
from tui.turns import Input


@dataclass(slots=True)
class TurnRecord:
    """One turn."""

    said: str
    """What the person said; empty for a turn without words."""
    kind: str
    calls: list[ToolCall] = field(default_factory=list)
    citations: list[dict[str, str]] = field(default_factory=list)
    recommendation: dict[str, Any] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was computed or cited."""
        return not (self.calls or self.citations or self.recommendation)


class Record:
    """All turns of a sitting, oldest first."""

    def __init__(self) -> None:
        self.turns: list[TurnRecord] = []

    def begin(self, given: Input) -> None:
        """A turn starts."""
        self.turns.append(TurnRecord(given.text, given.kind))

    def note(self, event: Event) -> None:
        """Something happened in the running turn."""
        if not self.turns:
            return
        turn = self.turns[-1]
        if isinstance(event, ToolCall):
            turn.calls.append(event)
        elif isinstance(event, Message):
            turn.citations.extend(event.citations)
        elif isinstance(event, Recommendation):
            turn.recommendation = event.recommendation

    @property
    def recommendation(self) -> dict[str, Any] | None:
        """The recommendation as it stands; None where there is none."""
        found = [turn.recommendation for turn in self.turns if turn.recommendation is not None]
        return found[-1] if found else None
