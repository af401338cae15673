"""A text as tokens: words by place, what stands between two things, counts before and behind names."""

from __future__ import annotations

from dataclasses import dataclass, field

from knowledge.catalog.records import Accelerator
from tools.hardware_names import tokenize
from tools.hardware_terms import Terms

_USED = frozenset({"-", "used", "new"})


@dataclass(slots=True)
class Mention:
    """One thing that the text names."""

    kind: str
    """card, size, gpus, platform, cpu, memory_type, no_gpu, purpose, rented, cores, gpu_cores, cloud, mobile,
    form, link, board, egpu, clustered, each, break or unknown."""
    first: int
    last: int
    """Token range, end exclusive."""
    key: str = ""
    """What it is: a size's label, a platform's key, a purpose."""
    number: float = 0.0
    """GiB of a size, how many of cores, Gbit/s of a link (0 where it is not said)."""
    count: int = 1
    records: list[Accelerator] = field(default_factory=list)


class TokenText:
    """The tokens of one text."""

    def __init__(self, text: str, terms: Terms) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.terms = terms

    def quote(self, first: int, last: int) -> str:
        """The original words of a token range."""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end]

    def word(self, at: int) -> str:
        """A token's text, empty outside of the text."""
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def between(self, left: Mention, right: Mention) -> list[str]:
        """The words between two mentions."""
        return [token.text for token in self.tokens[left.last : right.first]]

    def glued(self, at: int) -> bool:
        """Whether a token follows the one before without a space."""
        return 0 <= at < len(self.tokens) and self.tokens[at].glued

    @staticmethod
    def number(digits: str) -> int:
        """A count; absurdly long ones are cut, the builder refuses them."""
        return int(digits[:9])

    def count_before(self, at: int, *, plural: bool) -> tuple[int, int]:
        """How many, and where the phrase with its count begins."""
        before = at - 1
        while before >= 0 and (self.word(before) in self.terms.vendor_words or self.word(before) in _USED):
            before -= 1
        if self.word(before) in self.terms.units_gib and self.word(before - 1)[:1].isdigit():
            before -= 2
        word, earlier = self.word(before), self.word(before - 1)
        if word in {"x", "*"} and earlier.isdigit():
            return self.number(earlier), before - 1
        if word == "of" and earlier in self.terms.pairs:
            return 2, before - 1
        if word in self.terms.numbers:
            return self.terms.numbers[word], before
        if word.isdigit() and before >= 0:
            left = self.word(before - 1)
            hyphen = self.word(before + 1) == "-" and before + 2 == at  # `a 4-node cluster`
            loose = not self.glued(before + 1)
            if (loose and (plural or left in self.terms.weak_left or not left or not left[0].isalnum())) or (
                hyphen and not loose and len(word) <= 3
            ):
                return self.number(word), before
        return 1, at

    def count_after(self, at: int) -> tuple[int, int]:
        """`RTX 3090 x2`, `RTX 3090 24GB * 2`, `RTX 3090 (2x)`; a size between stays a mention of its own.

        Returns:
            The count, and where the phrase ends.
        """
        ahead = at
        if self.word(ahead)[:1].isdigit() and self.word(ahead + 1) in self.terms.units_gib:
            ahead += 2
        if self.word(ahead) == "(":
            ahead += 1
        if self.word(ahead) in {"x", "*"} and self.word(ahead + 1).isdigit():
            size_follows = self.word(ahead + 2) in self.terms.units_gib
            end = ahead + 2 if ahead == at else at
            return (1, at) if size_follows else (self.number(self.word(ahead + 1)), end)
        times = self.word(ahead).isdigit() and self.word(ahead + 1) == "x"
        if times and self.word(ahead - 1) == "(":
            return self.number(self.word(ahead)), at
        if times and ahead == at and self.glued(ahead + 1) and not self.word(ahead + 2)[:1].isalnum():
            return self.number(self.word(ahead)), at + 2
        return 1, at

    def times_before(self, at: int) -> int:
        """`2x 24 GB`, `two 24 GB cards`; a plain number before a size belongs to something else."""
        word, earlier = self.word(at - 1), self.word(at - 2)
        if word in {"x", "*"} and earlier.isdigit():
            count = self.number(earlier)
            return count if count <= self.terms.limits.max_nodes else 1  # the x of a `5800X`
        return self.terms.numbers.get(word, 1)
