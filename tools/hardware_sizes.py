"""Which size belongs to what: the memory of a card, of the computer, or of several cards together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tools.hardware_parts import Card, Draft, Purpose, is_whole, memory_fits, sizes_of
from tools.hardware_scan import Scanner
from tools.hardware_terms import Terms
from tools.hardware_text import Mention
from tools.hardware_types import Choice

_BINDING = frozenset({"-", "of", "a", "an", "the", "single", "(", "version", "model", "variant"})
_HARDWARE = frozenset(
    {"unknown", "card", "platform", "cpu", "cores", "no_gpu", "gpus", "size", "memory_type"}
)
_DESCRIBING = frozenset({"mobile", "form", "gpu_cores", "gpus", "link", "each", "egpu", "clustered"})
"""Mentions that stand between a card and its memory without ending what is said of it."""


class SizeDrafter(ABC):
    """The part of the walk over the mentions that reads sizes."""

    def __init__(self, scanner: Scanner, terms: Terms) -> None:
        self._scanner = scanner
        self._terms = terms
        self._mentions = scanner.scan()
        self._sentence = 0
        self._purpose: Purpose = "both"
        self.drafts: list[Draft] = [Draft()]
        self.choices: list[Choice] = []
        self.unknown: list[Mention] = []
        self.notes: list[str] = []

    @property
    def draft(self) -> Draft:
        """The machine that is being described."""
        return self.drafts[-1]

    @abstractmethod
    def _new_machine(self, *, whole: bool) -> None:
        """Begin another machine where what follows cannot be a part of the current one."""

    def _size(self, at: int, mention: Mention) -> None:
        quote = self._scanner.quote(mention.first, mention.last)
        if not 0 < mention.number <= self._terms.limits.max_gib:
            self.notes.append(f"“{quote}” is not a memory size that a machine can have; ignored")
            return
        if mention.key == "bare":
            self._bare(mention, quote)
        elif mention.key in {"ram", "unified"}:
            self._ram(self._of_sticks(mention))
        elif mention.key in {"vram", "card"}:
            self._vram(at, mention)
        else:
            self._unlabelled(at, mention)

    def _of_sticks(self, mention: Mention) -> float:
        """`2x 16GB DDR5` is 32 GB: memory comes in sticks."""
        times = mention.count > 1 and self._scanner.word(mention.first - 1) in {"x", "*"}
        if not times:
            return mention.number
        total = mention.number * mention.count
        self.draft.assumed.append(f"{mention.count} x {mention.number:g} GB of RAM are {total:g} GB")
        return total

    def _bare(self, mention: Mention, quote: str) -> None:
        """A number without a unit: a memory that the card or chip comes with, else a usual size of RAM."""
        draft = self.draft
        card = draft.cards[-1] if draft.cards else None
        behind = self._scanner.word(mention.first - 1) in self._terms.joins
        if card is None:
            options = draft.platform.options_gb if draft.platform is not None else ()
            name, usual = (
                (draft.platform.key if draft.platform is not None else "it"),
                mention.number in options,
            )
        elif is_whole(card.records[0]):
            name, usual = card.quote, draft.ram_gib is None and mention.number in sizes_of(card)
        elif card.size_gib is None and not behind and memory_fits(card, mention.number):
            card.size_gib = mention.number
            draft.assumed.append(f"\u201c{quote}\u201d after {card.quote} read as its {quote} GB")
            return
        else:
            name, usual = card.quote, draft.ram_gib is None and mention.number in self._terms.usual_ram_gb
        if not usual:
            self.notes.append(
                f"\u201c{quote}\u201d after {name} is no memory size that it comes with; ignored"
            )
            return
        memory = "system memory" if card is not None and not is_whole(card.records[0]) else "memory"
        draft.assumed.append(f"\u201c{quote}\u201d after {name} read as {quote} GB of {memory}")
        self._ram(mention.number)

    def _ram(self, gib: float) -> None:
        if self.draft.ram_gib is None or self.draft.sentence != self._sentence:
            self.draft.ram_gib = gib

    def _vram(self, at: int, mention: Mention) -> None:
        draft = self.draft
        following = self._mentions[at + 1] if at + 1 < len(self._mentions) else None
        if draft.whole_computer:
            draft.gpu_share_gib = mention.number
        elif draft.cards and draft.cards[-1].size_gib is None:
            draft.cards[-1].size_gib = mention.number
        elif draft.cards:
            return
        elif self.unknown and mention.last - self.unknown[-1].last < 8:
            draft.nameless.append((max(self.unknown[-1].count, 1), mention.number))
        elif not (
            following
            and following.kind == "card"
            and following.first - mention.last <= 1
            and mention.key == ""
        ):
            self._new_machine(whole=False)
            count, draft.pending_gpus = max(mention.count, draft.pending_gpus, 1), 0
            self.draft.nameless.append((count, mention.number))

    def _unlabelled(self, at: int, mention: Mention) -> None:
        """A bare size: the card beside it, else the memory of the computer that is described."""
        previous = self._mentions[at - 1] if at else None
        following = self._mentions[at + 1] if at + 1 < len(self._mentions) else None
        draft = self.draft
        if previous is not None and draft.cards and self._describes_card(at, mention):
            previous = Mention("card", previous.first, previous.last)
        owned = previous is not None and previous.kind == "card" and self._linked(previous, mention) == "own"
        ahead = following is not None and following.kind == "card" and self._touches(mention, following)
        if ahead and not owned:
            mention.key = "card?"
            return
        link = self._linked(previous, mention) if previous is not None else ""
        kind = previous.kind if previous is not None else ""
        if kind == "card" and draft.cards and link:
            self._beside_card(draft.cards[-1], mention, link)
        elif kind == "unknown" and link and not self.unknown[-1].records:
            draft.nameless.append((max(self.unknown[-1].count, 1), mention.number))
        elif (kind == "gpus" and link == "own") or (mention.count > 1 and not draft.cards):
            self._vram(at, mention)
        elif kind in _HARDWARE and link:
            self._ram(mention.number)
        elif (
            following is not None
            and following.kind in {"platform", "cpu"}
            and self._touches(mention, following)
        ):
            self._begin_platform(mention.number)
        elif (
            kind in _HARDWARE
            and (draft.informative or draft.platform is not None)
            and mention.first - (previous.last if previous else 0) <= 6
        ):
            self._ram(mention.number)
        elif self._scanner.short and len(self._mentions) == 1:
            self._alone(mention)

    def _describes_card(self, at: int, mention: Mention) -> bool:
        """`RTX 4090 laptop 16 GB`: a word between the card and its memory."""
        kind, card = self._mentions[at - 1].kind, self.draft.cards[-1]
        if kind in _DESCRIBING:
            return True
        after_card = kind == "platform" and at > 1 and self._mentions[at - 2].kind == "card"
        return after_card and card.size_gib is None and memory_fits(card, mention.number)

    def _begin_platform(self, gib: float) -> None:
        """`an 8 GB laptop` beside a card that is not in it starts a machine of its own."""
        if self.draft.cards and (
            self._purpose not in {"both", self.draft.purpose} or self.draft.ram_gib is not None
        ):
            self.drafts.append(Draft(purpose=self._purpose, sentence=self._sentence))
        self._ram(gib)

    def _beside_card(self, card: Card, mention: Mention, link: str) -> None:
        whole = is_whole(card.records[0])
        if whole or card.size_gib is not None:
            self._ram(mention.number)
            return
        fits = memory_fits(card, mention.number)
        if link == "joined" or (link == "comma" and not fits):
            self._ram(mention.number)
        else:
            card.size_gib = mention.number

    def _touches(self, mention: Mention, following: Mention) -> bool:
        """`the 24 GB version of the card`: nothing stands between but words that bind."""
        return set(self._scanner.between(mention, following)) <= _BINDING | self._terms.vendor_words

    def _linked(self, previous: Mention, mention: Mention) -> str:
        """How a size hangs on what stands before it: its `own`, after a `comma`, `joined`, or not at all."""
        words = self._scanner.between(previous, mention)
        if len(words) > 5 or not set(words) <= self._terms.links:
            return ""
        if set(words) & self._terms.joins:
            return "joined"
        return "comma" if {",", "/"} & set(words) else "own"

    def _alone(self, mention: Mention) -> None:
        size = f"{mention.number:g} GB"
        quote = self._scanner.quote(mention.first, mention.last)
        self.choices.append(
            Choice(quote, (f"a graphics card with {size}", f"{size} of system memory, no graphics card"))
        )
        self.draft.ram_gib = mention.number
