"""What was computed and looked up in this sitting, turn by turn, for whoever wants to see the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    messages: list[str] = field(default_factory=list)
    """What the advisor said."""
    recommendation: dict[str, Any] | None = None
    earlier: bool = False
    """Of an earlier sitting: its words and sources are kept, what was computed is not."""

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
            turn.messages.append(event.text)
            turn.citations.extend(event.citations)
        elif isinstance(event, Recommendation):
            turn.recommendation = event.recommendation

    def before(self, history: Sequence[Mapping[str, Any]]) -> None:
        """What was said in earlier sittings, as it is kept: put before everything else.

        Args:
            history: as `Session.history` gives it.
        """
        turns: list[TurnRecord] = []
        for entry in history:
            text = str(entry.get("text", ""))
            if entry.get("role") == "user" or not turns:
                turns.append(TurnRecord("", "say", earlier=True))
            if entry.get("role") == "user":
                turns[-1].said = text
            else:
                turns[-1].messages.append(text)
                turns[-1].citations.extend(entry.get("citations") or [])
        self.turns[:0] = turns

    def turn_of(self, text: str, recommendation: Mapping[str, Any] | None = None) -> int | None:
        """The place of the last turn that said a text or gave a recommendation; None where none did."""
        for place in range(len(self.turns) - 1, -1, -1):
            turn = self.turns[place]
            if recommendation is not None and turn.recommendation == recommendation:
                return place
            # What is shown of an earlier message may be without the question at its end.
            if text and any(said == text or said.startswith(text) for said in turn.messages):
                return place
        return None

    @property
    def recommendation(self) -> dict[str, Any] | None:
        """The recommendation as it stands; None where there is none."""
        found = [turn.recommendation for turn in self.turns if turn.recommendation is not None]
        return found[-1] if found else None
