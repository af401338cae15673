"""The pieces of a streamed answer, as they come."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.measuring.samples import Sample, Stated


@dataclass(slots=True)
class Pieces:
    """Moments and texts of the pieces that hold tokens."""

    moments: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    visible: float | None = None
    """When the first piece of the answer came, reasoning apart."""
    thought: int = 0

    def add(self, at: float, said: object, thought: object) -> None:
        """Takes in a piece: text of the answer or of reasoning, as it came; an empty one holds none."""
        if not (said or thought):
            return
        self.moments.append(at)
        self.texts.append(str(said or "") + str(thought or ""))
        self.visible = at if said and self.visible is None else self.visible
        self.thought += bool(thought)

    def sample(self, words: int, sent: float, stated: Stated) -> Sample:
        """What came of a request; at least one piece did.

        Args:
            words: of the prompt.
            sent: when it was sent.
            stated: what the server says.
        """
        first = self.moments[0]
        together = next((n for n, at in enumerate(self.moments) if at > first), len(self.moments))
        letters = [len(text) for text in self.texts]
        return Sample(
            words=words,
            sent=sent,
            first=first,
            last=self.moments[-1],
            chunks=len(self.moments),
            first_visible=self.visible,
            first_chunks=together,
            first_share=sum(letters[:together]) / sum(letters),
            thought_chunks=self.thought,
            words_said=len("".join(self.texts).split()),
            stated=stated,
        )
