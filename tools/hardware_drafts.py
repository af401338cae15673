"""From mentions to drafts: which size belongs to what, and where one machine ends and the next begins."""

from __future__ import annotations

from tools.hardware_clusters import after_node_words, board_counts
from tools.hardware_parts import Card, Draft, Purpose, is_whole, least_gb
from tools.hardware_scan import Scanner
from tools.hardware_sizes import SizeDrafter
from tools.hardware_terms import Terms
from tools.hardware_text import Mention
from tools.hardware_types import Choice


class Drafter(SizeDrafter):
    """Walks over the mentions of one text."""

    def __init__(self, scanner: Scanner, terms: Terms) -> None:
        super().__init__(scanner, terms)
        self._platforms = {item.key: item for item in terms.platforms}
        self._cpus = {item.key: item for item in terms.cpus}
        self._rented = False
        self._also: Draft | None = None
        """A machine behind which the other purpose was named; it serves both unless another follows."""
        self._nodes: Mention | None = None
        """Several computers that were named before what is in them."""
        self._board: Mention | None = None
        self._last_card: Mention | None = None

    def run(self) -> list[Draft]:
        """All machines that the text says something about."""
        handlers = {
            "card": self._card,
            "size": self._size,
            "platform": self._platform,
            "gpus": self._gpus,
            "cloud": self._cloud,
            "unknown": self._unknown,
            "board": self._on_board,
        }
        for at, mention in enumerate(self._mentions):
            handler = handlers.get(mention.kind)
            if handler is not None:
                handler(at, mention)
            else:
                self._detail(mention)
        if self._also is self.draft:
            self.draft.purpose = "both"
        for draft in self.drafts:
            if draft.platform is not None and draft.platform.with_cpu and draft.cpu and not draft.cards:
                draft.platform = self._platforms[draft.platform.with_cpu]
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
            case "link":
                draft.links.append(mention)
            case "egpu":
                draft.egpu = True
            case "clustered":
                draft.clustered = True
            case "each":
                draft.per_node = True
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
        if len(self.draft.cards) >= self._terms.limits.max_cards:
            return  # a text that lists so many names none of them as a machine
        self._last_card = mention
        if self._repeated(mention) or self._alternative(at, mention, quote):
            return
        self._new_machine(whole=is_whole(mention.records[0]))
        draft = self.draft
        count = mention.count
        if draft.pending_gpus:
            count, draft.pending_gpus = max(count, draft.pending_gpus), 0
        card = Card(mention.records, max(count, 1), quote, self._sentence)
        draft.cards.append(card)
        self._place(card, mention)
        if draft.nameless and self._sentence == draft.sentence:
            amount, card.size_gib = draft.nameless.pop()
            card.count = max(card.count, amount)
        previous = self._mentions[at - 1] if at else None
        if previous is not None and previous.kind == "size" and previous.key == "card?":
            card.size_gib = previous.number

    def _place(self, card: Card, mention: Mention) -> None:
        """Puts a card onto the board and into the nodes that were named right before it."""
        board, nodes = self._board, self._nodes
        self._board = None
        if board is not None and mention.first - board.last <= 1:
            kind = self._terms.boards[board.key]
            boards, card.count = board_counts(kind, board.count, card.count)
            card.form = "sxm"
            self.draft.assumed.append(f"{board.key.upper()} {card.quote} counted with {card.count} GPUs each")
            if boards > 1:
                self._set_nodes(board, boards, only_linked=False, per_node=True)
        elif nodes is not None and after_node_words(self._scanner, nodes, mention):
            platform = self._platforms[nodes.key]
            self._set_nodes(nodes, nodes.count, only_linked=platform.cluster == "linked", per_node=None)
        self._nodes = None

    def _set_nodes(self, mention: Mention, count: int, *, only_linked: bool, per_node: bool | None) -> None:
        quote = self._scanner.quote(max(0, mention.first - 1), mention.last)
        if count > self._terms.limits.max_nodes:
            self.notes.append(f"{count:,} {quote} are more than can be planned for; counted as one")
            return
        draft = self.draft
        draft.nodes, draft.nodes_quote, draft.only_linked = count, quote, only_linked
        draft.per_node = per_node if draft.per_node is None else draft.per_node

    def _on_board(self, at: int, mention: Mention) -> None:
        self._board = mention

    def _count_nodes(self, at: int, mention: Mention) -> bool:
        """`2 nodes with ...` waits for the cards, `16 H100s over 2 nodes` divides those before.

        Returns:
            True where the mention only counts the nodes of the machine with the cards before it.
        """
        platform = self._platforms[mention.key]
        if platform.cluster is None or mention.count < 2:
            return False
        card = self._last_card
        here = bool(self.draft.cards) and self.draft.sentence == self._sentence
        if here and card is not None and after_node_words(self._scanner, card, mention, spread=True):
            self._set_nodes(mention, mention.count, only_linked=platform.cluster == "linked", per_node=False)
            return True
        self._nodes = mention
        if platform.chip is not None and not here:
            self._set_nodes(mention, mention.count, only_linked=True, per_node=None)
        return False

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
        if self._count_nodes(at, mention):
            return
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
        instances = max(mention.count, self._scanner.count_after(mention.last)[0])
        if instances > 1:
            self._set_nodes(mention, instances, only_linked=False, per_node=True)

    def _unknown(self, at: int, mention: Mention) -> None:
        self.unknown.append(mention)
        if mention.records:  # a grade of Apple chip that is not known is still a Mac
            self._new_machine(whole=True)
            self.draft.platform = self._platforms["Mac"]
