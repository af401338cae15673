"""What one request gave, and what a round of requests at once says. Seconds and tokens; no network."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.measured_here import Point, Range
from tools.measuring.statistics import median_range

Counted = Literal["server", "chunks", "words"]
LEAST_TOKENS = 8
"""An answer of fewer says nothing of the speed of generation."""
MOST_TPS = 10_000
"""Tokens per second of one conversation that no model reaches."""
FAST_TPS, SHORT = 1_000, 0.02
"""Those that hardly one reaches, and never in so small a share of the wait for its first token."""
WORDS_PER_CHUNK = 1.5
"""Words in a piece on average, from which pieces hold several tokens each."""
LEAST_SHARE = 0.2
"""Of the longest wait for a first token, that the length of the prompt must make."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the server itself says of a request."""

    prompt_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt, taken from a cache."""
    load_s: float | None = None
    prompt_s: float | None = None
    generation_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; moments are seconds of one clock."""

    words: int
    """Of the prompt that was sent."""
    sent: float
    """When the request was handed to the network."""
    first: float
    """First token of any kind."""
    last: float
    """Last piece that held a token."""
    chunks: int
    """Pieces that held tokens."""
    first_visible: float | None = None
    """First token of the answer; None where all was reasoning."""
    first_chunks: int = 1
    """Pieces that came with the first one, at the same moment."""
    first_share: float | None = None
    """Of the letters of the answer, those that came at that moment; None where nobody counted them."""
    thought_chunks: int = 0
    """Of the pieces, those that held reasoning."""
    words_said: int = 0
    """Of the answer, between blanks."""
    stated: Stated = Stated()

    @property
    def first_token_s(self) -> float:
        return self.first - self.sent

    @property
    def counted(self) -> Counted:
        """Who counted the tokens of the answer; words where a piece without a count holds several."""
        if self.stated.output_tokens is not None:
            return "server"
        return "words" if self.words_said > WORDS_PER_CHUNK * self.chunks else "chunks"

    @property
    def tokens(self) -> int:
        """Of the answer, reasoning included."""
        if self.stated.output_tokens is not None:
            return self.stated.output_tokens
        return self.words_said if self.counted == "words" else self.chunks

    @property
    def streamed(self) -> int:
        """Tokens that came as pieces: some providers count reasoning that they do not show."""
        hidden = 0 if self.thought_chunks else self.stated.reasoning_tokens or 0
        return max(0, self.tokens - hidden)

    @property
    def tokens_after_first(self) -> float:
        """Tokens that came after the first piece.

        A piece may hold several tokens, and nobody says how many: as many as its share of the letters. A
        count that is one or two above the pieces has an end sign in it that is not streamed: a piece is a
        token.
        """
        if self.chunks < 1:
            return 0.0
        later = self.chunks - self.first_chunks
        if self.chunks <= self.streamed <= self.chunks + 2:
            return float(later)
        share = self.first_chunks / self.chunks if self.first_share is None else self.first_share
        return self.streamed * (1.0 - share)

    @property
    def generation_tps(self) -> float | None:
        """Tokens per second after the first; None where too few came to tell."""
        if self.streamed < LEAST_TOKENS or self.held_back:
            return None
        return self.tokens_after_first / (self.last - self.first)

    @property
    def held_back(self) -> bool:
        """Whether all came at once, or faster than any model writes: a proxy or the server held it back."""
        seconds = self.last - self.first
        most = FAST_TPS if seconds < SHORT * self.first_token_s else MOST_TPS
        return self.tokens_after_first <= 0 or self.tokens_after_first > most * seconds


@dataclass(frozen=True, slots=True)
class Round:
    """Requests that were sent at once."""

    length: int
    """Tokens of the prompt that were aimed at."""
    samples: tuple[Sample, ...]

    @property
    def parallel(self) -> int:
        return len(self.samples)

    @property
    def first_token_s(self) -> float:
        """Median over the requests."""
        return statistics.median(sample.first_token_s for sample in self.samples)

    @property
    def slowest_first_token_s(self) -> float:
        return max(sample.first_token_s for sample in self.samples)

    @property
    def first_visible_s(self) -> float | None:
        """Median over the requests whose answer began."""
        return _median(s.first_visible - s.sent for s in self.samples if s.first_visible is not None)

    @property
    def prompt_tps(self) -> float | None:
        """Tokens of all prompts over the seconds until the last first token; None where nobody counted."""
        counts = [sample.stated.prompt_tokens for sample in self.samples]
        seconds = max(s.first for s in self.samples) - min(s.sent for s in self.samples)
        if seconds <= 0 or any(count is None for count in counts):
            return None
        return sum(count for count in counts if count is not None) / seconds

    @property
    def generation_tps(self) -> float | None:
        """Of one conversation: the median over the requests."""
        return _median(rate for s in self.samples if (rate := s.generation_tps) is not None)

    @property
    def total_tps(self) -> float | None:
        """Tokens of all after their first, over the seconds from the first first token to the last token."""
        seconds = max(s.last for s in self.samples) - min(s.first for s in self.samples)
        if seconds <= 0 or self.generation_tps is None:
            return None
        return sum(s.tokens_after_first for s in self.samples) / seconds

    @property
    def queued(self) -> bool:
        """Whether a request got its first token after another had its last: the server took turns."""
        return max(s.first for s in self.samples) > min(s.last for s in self.samples) and self.parallel > 1

    @property
    def held_back(self) -> bool:
        """Whether an answer that is long enough came at once."""
        return any(s.held_back and s.streamed >= LEAST_TOKENS for s in self.samples)

    @property
    def stated_prompt_tps(self) -> float | None:
        """By the server's own clock, of one prompt."""
        return _median(
            s.stated.prompt_tokens / s.stated.prompt_s
            for s in self.samples
            if s.stated.prompt_s and s.stated.prompt_tokens
        )

    @property
    def stated_generation_tps(self) -> float | None:
        """By the server's own clock, of one conversation."""
        return _median(
            s.stated.output_tokens / s.stated.generation_s
            for s in self.samples
            if s.stated.generation_s and s.stated.output_tokens
        )


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def spread(values: Iterable[float | None]) -> Range | None:
    """Median and interval over rounds; None where a figure is not known."""
    return median_range([value for value in values if value is not None])


@dataclass(frozen=True, slots=True)
class Figures:
    """All rounds of one length at one number of requests at once; at least one."""

    rounds: tuple[Round, ...]

    @property
    def samples(self) -> tuple[Sample, ...]:
        return tuple(sample for one in self.rounds for sample in one.samples)

    @property
    def counted(self) -> Counted:
        """`chunks` or `words` where one answer came without a count."""
        return next((s.counted for s in self.samples if s.counted != "server"), "server")

    @property
    def prompt_tokens(self) -> int:
        """Median; as aimed at where the server does not count."""
        counts = [s.stated.prompt_tokens for s in self.samples if s.stated.prompt_tokens is not None]
        return round(statistics.median(counts)) if counts else self.rounds[0].length

    @property
    def reasoning_tokens(self) -> int | None:
        found = _median(
            s.stated.reasoning_tokens for s in self.samples if s.stated.reasoning_tokens is not None
        )
        return None if found is None else round(found)

    @property
    def cached_tokens(self) -> int | None:
        """Most that any prompt took from a cache; None where the server does not say."""
        return max(
            (s.stated.cached_tokens for s in self.samples if s.stated.cached_tokens is not None), default=None
        )

    def point(self) -> Point:
        """As it is kept."""
        first = spread(one.first_token_s for one in self.rounds)
        assert first is not None
        return Point(
            prompt_tokens=self.prompt_tokens,
            output_tokens=round(statistics.median(s.tokens for s in self.samples)),
            parallel=self.rounds[0].parallel,
            samples=len(self.samples),
            first_token_s=first,
            prompt_tps=spread(one.prompt_tps for one in self.rounds),
            generation_tps=spread(one.generation_tps for one in self.rounds),
            total_tps=spread(one.total_tps for one in self.rounds),
        )


def prompt_line(rounds: Sequence[Round]) -> tuple[Range, Range] | None:
    """Speed of reading a prompt (tokens per second) and what a request waits beside that (seconds).

    From the shortest and the longest prompt of one request at a time, repeat by repeat; None where there is
    one length only, or where the longer prompt did not take clearly longer.
    """
    single = [one for one in rounds if one.parallel == 1 and one.samples[0].stated.prompt_tokens]
    lengths = sorted({one.length for one in single})
    if len(lengths) < 2:
        return None
    speeds, fixed = [], []
    ends = ([one for one in single if one.length == length] for length in (lengths[0], lengths[-1]))
    for short, long in zip(*ends, strict=False):
        few, many = (one.samples[0].stated.prompt_tokens or 0 for one in (short, long))
        seconds = long.first_token_s - short.first_token_s
        if many <= few or seconds < LEAST_SHARE * long.first_token_s:
            return None
        speeds.append((many - few) / seconds)
        fixed.append(max(0.0, short.first_token_s - few / speeds[-1]))
    tps, rest = median_range(speeds), median_range(fixed)
    return None if tps is None or rest is None else (tps, rest)


def grouped(rounds: Sequence[Round]) -> tuple[Figures, ...]:
    """The rounds by length and number at once, shortest and fewest first."""
    groups: dict[tuple[int, int], list[Round]] = {}
    for one in rounds:
        groups.setdefault((one.parallel, one.length), []).append(one)
    return tuple(Figures(tuple(groups[key])) for key in sorted(groups))
