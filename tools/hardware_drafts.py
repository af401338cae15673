"""From mentions to drafts: which size belongs to what, and where one machine ends and the next begins."""

from __future__ import annotations

from tools.hardware_parts import Card, Draft, Purpose, is_whole, least_gb, memory_fits
from tools.hardware_scan import Mention, Scanner
from tools.hardware_terms import Terms
from tools.hardware_types import Choice

_BINDING = frozenset({"-", "of", "a", "an", "the", "single", "(", "version", "model", "variant"})
_HARDWARE = frozenset(
    {"unknown", "card", "platform", "cpu", "cores", "no_gpu", "gpus", "size", "memory_type"}
)


class Drafter:
    """Walks over the mentions of one text."""

    def __init__(self, scanner: Scanner, terms: Terms) -> None:
        self._scanner = scanner
        self._terms = terms
        self._mentions = scanner.scan()
        self._platforms = {item.key: item for item in terms.platforms}
        self._cpus = {item.key: item for item in terms.cpus}
        self._sentence = 0
        self._purpose: Purpose = "both"
        self._rented = False
        self._also: Draft | None = None
        """A machine behind which the other purpose was named; it serves both unless another follows."""
        self.drafts: list[Draft] = [Draft()]
        self.choices: list[Choice] = []
        self.unknown: list[Mention] = []
        self.notes: list[str] = []

    @property
    def draft(self) -> Draft:
        """The machine that is being described."""
        return self.drafts[-1]

    def run(self) -> list[Draft]:
        """All machines that the text says something about."""
        handlers = {
            "card": self._card,
            "size": self._size,
            "platform": self._platform,
            "gpus": self._gpus,
            "cloud": self._cloud,
            "unknown": self._unknown,
        }
        for at, mention in enumerate(self._mentions):
            handler = handlers.get(mention.kind)
            if handler is not None:
                handler(at, mention)
            else:
                self._detail(mention)
        if self._also is self.draft:
            self.draft.purpose = "both"
        return [draft for draft in self.drafts if draft.informative]

    # -- single mentions ---------------------------------------------------------------------------

    def _detail(self, mention: Mention) -> None:
        draft = self.draft
        match mention.kind:
            case "break":
                self._sentence += 1
                self._purpose = "both"
                self._rented = False
            case "purpose":
                self._set_purpose("train" if mention.key == "train" else "use", mention)
            case "renting":
                behind = self._scanner.word(mention.first - 1) in {"is", "are", ","}
                draft.rented = draft.rented or (behind and bool(draft.cards))
                self._rented = not behind
            case "rented" if draft.cards and draft.sentence == self._sentence:
                draft.rented = True
            case "rented":
                self._rented = True
            case "no_gpu":
                self._split_by_purpose()
                self.draft.no_gpu = True
            case "cpu":
                draft.cpu = self._cpus[mention.key]
                draft.sentence = self._sentence
            case "memory_type":
                draft.memory_class = self._terms.memory_types[mention.key]
            case "cores":
                draft.cores = int(mention.number)
            case "gpu_cores":
                draft.gpu_cores = int(mention.number)
            case "form" if draft.cards:
                draft.cards[-1].form = mention.key
            case "mobile" if draft.cards or draft.platform is None:
                draft.platform = draft.platform or self._platforms["laptop"]
            case _:
                pass

    def _set_purpose(self, purpose: Purpose, mention: Mention) -> None:
        """`... A10G for training` names the machine before, everything else the machine to come."""
        if self.draft.informative and self.draft.purpose not in {"both", purpose}:
            self._also = self.draft
        self._purpose = purpose
        open_here = self.draft.sentence == self._sentence and self.draft.purpose == "both"
        if open_here and self.draft.informative and self._scanner.word(mention.first - 1) == "for":
            self.draft.purpose = purpose
            self._purpose = "both"

    def _other_purpose(self) -> bool:
        """Whether the text has turned from training to use or back since the machine with its cards."""
        draft = self.draft
        has_card = bool(draft.cards or draft.nameless)
        return has_card and self._purpose not in {"both", draft.purpose} and draft.purpose != "both"

    def _split_by_purpose(self) -> None:
        if self._other_purpose():
            self.drafts.append(Draft(purpose=self._purpose, sentence=self._sentence))

    def _split_by_platform(self, key: str) -> None:
        """`my workstation has ...; the server has ...`: another kind of computer is another machine."""
        draft = self.draft
        before = draft.platform.key if draft.platform is not None else key
        elsewhere = bool(draft.cards) and draft.sentence != self._sentence
        if elsewhere and before != key and "computer" not in (before, key):
            self.drafts.append(Draft(sentence=self._sentence))

    def _new_machine(self, *, whole: bool) -> None:
        """Begin another machine where what follows cannot be a part of the current one."""
        draft = self.draft
        has_card = bool(draft.cards or draft.nameless)
        if (
            draft.whole_computer
            or self._other_purpose()
            or (whole and (has_card or draft.platform is not None))
        ):
            computer = draft.platform
            mac = (
                whole
                and not has_card
                and computer is not None
                and (computer.chip or draft.sentence == self._sentence)
            )
            if not mac:
                self.drafts.append(Draft())
        self.draft.sentence = self._sentence
        if self.draft.purpose == "both":
            self.draft.purpose = self._purpose
        self.draft.rented = self.draft.rented or self._rented
        self._rented = False

    def _card(self, at: int, mention: Mention) -> None:
        quote = self._scanner.quote(mention.first, mention.last)
        if mention.count > self._terms.limits.max_devices:
            self.notes.append(
                f"“{quote}” is more than {self._terms.limits.max_devices} devices; taken for a slip"
            )
            self.unknown.append(mention)
            return
        if self._repeated(mention) or self._alternative(at, mention, quote):
            return
        self._new_machine(whole=is_whole(mention.records[0]))
        draft = self.draft
        count = mention.count
        if draft.pending_gpus:
            count, draft.pending_gpus = max(count, draft.pending_gpus), 0
        card = Card(mention.records, max(count, 1), quote, self._sentence)
        draft.cards.append(card)
        if draft.nameless and self._sentence == draft.sentence:
            amount, card.size_gib = draft.nameless.pop()
            card.count = max(card.count, amount)
        previous = self._mentions[at - 1] if at else None
        if previous is not None and previous.kind == "size" and previous.key == "card?":
            card.size_gib = previous.number

    def _repeated(self, mention: Mention) -> bool:
        """The same card named again in a later sentence is the same card."""
        for draft in self.drafts:
            for card in draft.cards:
                same = {record.name for record in card.records} & {record.name for record in mention.records}
                if same and card.sentence != self._sentence and self._purpose in {"both", draft.purpose}:
                    card.sentence = self._sentence
                    card.count = max(card.count, mention.count)
                    if len(mention.records) < len(card.records):
                        card.records = mention.records
                    return True
        return False

    def _alternative(self, at: int, mention: Mention, quote: str) -> bool:
        """`a 3090 or a 4090`: a choice; the smaller one stays."""
        draft = self.draft
        if not draft.cards or draft.sentence != self._sentence:
            return False
        words = [token.text for token in self._scanner.tokens[max(0, mention.first - 3) : mention.first]]
        if not {"or", "oder"} & set(words):
            return False
        previous = draft.cards[-1]
        self.choices.append(Choice(f"{previous.quote} or {quote}", (previous.quote, quote)))
        if least_gb(mention.records) < least_gb(previous.records):
            draft.cards[-1] = Card(mention.records, mention.count, quote, self._sentence)
        return True

    def _platform(self, at: int, mention: Mention) -> None:
        platform = self._platforms[mention.key]
        draft = self.draft
        whole = platform.chip is not None or platform.cpu_only
        if whole and (draft.cards or draft.platform is not None):
            mac_card = draft.cards and draft.cards[-1].records[0].vendor == "Apple" and platform.chip
            if (mac_card and len(draft.cards) == 1) or draft.platform is platform:
                draft.platform = draft.platform or platform
                return
            if draft.informative:
                self._new_machine(whole=True)
        else:
            self._split_by_purpose()
            self._split_by_platform(platform.key)
        target = self.draft
        if target.platform is None or (whole and target.platform.chip is None):
            target.platform = platform
        if not target.cards:
            target.sentence = self._sentence
            if whole or target.informative:
                target.purpose = self._purpose if target.purpose == "both" else target.purpose
        target.rented = target.rented or self._rented

    def _gpus(self, at: int, mention: Mention) -> None:
        """`4 GPUs`: a count for the name or size that follows."""
        if mention.count > self._terms.limits.max_devices:
            quote = self._scanner.quote(mention.first, mention.last)
            self.notes.append(f"{mention.count:,} {quote} are more than a machine has; taken for a slip")
            return
        if mention.count > 1 and not self.draft.cards:
            self.draft.pending_gpus = mention.count

    def _cloud(self, at: int, mention: Mention) -> None:
        name, count, ram = self._terms.cloud.instances[mention.key]
        record = next((item for item in self._scanner.accelerators if item.name == name), None)
        if record is None or (self.draft.cards and self.draft.sentence == self._sentence):
            self._rented = True
            self.draft.rented = True
            return
        self._rented = True
        self._new_machine(whole=False)
        quote = self._scanner.quote(mention.first, mention.last)
        self.draft.cards.append(Card([record], count, quote, self._sentence))
        self.draft.ram_gib = ram

    def _unknown(self, at: int, mention: Mention) -> None:
        self.unknown.append(mention)
        if mention.records:  # a grade of Apple chip that is not known is still a Mac
            self._new_machine(whole=True)
            self.draft.platform = self._platforms["Mac"]

    # -- sizes -------------------------------------------------------------------------------------

    def _size(self, at: int, mention: Mention) -> None:
        quote = self._scanner.quote(mention.first, mention.last)
        if not 0 < mention.number <= self._terms.limits.max_gib:
            self.notes.append(f"“{quote}” is not a memory size that a machine can have; ignored")
            return
        if mention.key in {"ram", "unified"}:
            self._ram(mention.number)
        elif mention.key in {"vram", "card"}:
            self._vram(at, mention)
        else:
            self._unlabelled(at, mention)

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
            and draft.informative
            and mention.first - (previous.last if previous else 0) <= 6
        ):
            self._ram(mention.number)
        elif self._scanner.short and len(self._mentions) == 1:
            self._alone(mention)

    def _describes_card(self, at: int, mention: Mention) -> bool:
        """`RTX 4090 laptop 16 GB`: a word between the card and its memory."""
        kind, card = self._mentions[at - 1].kind, self.draft.cards[-1]
        if kind in {"mobile", "form", "gpu_cores", "gpus"}:
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
