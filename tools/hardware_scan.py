"""From text to mentions: which words name hardware, sizes, counts and purposes, and where they stand."""

from __future__ import annotations

from knowledge.catalog.records import Accelerator
from tools.hardware_names import Entry, Phrases
from tools.hardware_terms import Terms
from tools.hardware_text import Mention, TokenText

_BREAKS = frozenset(".!?;\n")
_CURRENCY = frozenset("$€£%°")
_HYPHENS = frozenset("-_/.")
_GLUED_AFTER = frozenset({"s", "x"})
_CHIP_GRADES = frozenset({"pro", "max", "ultra"})
_SHORT_TEXT = 7
_BEFORE_BARE = frozenset({",", "+", "/", "mit", "with", "w", "&", "plus", "("})
_AFTER_BARE = frozenset(
    {".", "!", "?", ";", "\n", ",", "+", "/", ")", "&", "and", "und", "plus", "with", "mit", "for"}
)
_SPEED_SIGNS = frozenset({"-", "s", "/", "(", "at"})


class Scanner(TokenText):
    """One pass over a text."""

    def __init__(
        self, text: str, phrases: Phrases, terms: Terms, accelerators: tuple[Accelerator, ...]
    ) -> None:
        super().__init__(text, terms)
        self.accelerators = accelerators
        self._phrases = phrases
        self._used_labels: set[int] = set()
        self.mentions: list[Mention] = []
        self._sized = {item.key for item in terms.platforms if item.usual_gb}
        self._links = {item.key: item for item in terms.interconnects.links}
        words = sum(token.is_word for token in self.tokens[: 4 * _SHORT_TEXT])
        self.short = words <= _SHORT_TEXT

    def scan(self) -> list[Mention]:
        """All mentions in reading order."""
        starts = self._phrases.first_words.keys() | self.terms.prefixes | _BREAKS
        at, total = 0, len(self.tokens)
        while at < total:
            text = self.tokens[at].text
            at = self._step(at) if text in starts or text[0].isdigit() else at + 1
        return self.mentions

    def _step(self, at: int) -> int:
        token = self.tokens[at]
        if token.text in _BREAKS:
            self.mentions.append(Mention("break", at, at + 1))
            return at + 1
        if token.text[0].isdigit():
            size = self._size(at) or self._cores(at)
            if size is not None:
                return size
        found = self._phrases.match(self.tokens, at)
        if found is not None:
            entry, end = found
            if entry.kind == "card":
                return self._card(entry, at, end)
            return self._phrase(entry, at, end)
        if token.text in self.terms.prefixes:
            return self._unknown(at)
        return self._bare(at)

    # -- sizes -------------------------------------------------------------------------------------

    def _bare(self, at: int) -> int:
        """`M4 Max 64`, `A100 40`, `3090 + 64`: a number without a unit alone behind a chip or card."""
        previous = self.mentions[-1] if self.mentions else None
        text, after = self.word(at), self.word(at + 1)
        inside = previous is not None and self.glued(at) and at == previous.last
        if previous is None or inside or not text.isdigit() or len(text) > 4:
            return at + 1
        told = previous.kind == "card" or (previous.kind == "platform" and previous.key in self._sized)
        told = told or (previous.kind in {"size", "link", "form", "mobile"} and self._after_card(previous))
        separators = [token.text for token in self.tokens[previous.last : at]]
        if not told or len(separators) > 1 or not set(separators) <= _BEFORE_BARE:
            return at + 1
        either = after == "/" and self.word(at + 2).isdigit()  # `4060 Ti 8/16` leaves it open
        alone = not either and (not after or after in _AFTER_BARE)
        alone = alone and not (after == "." and self.word(at + 2).isdigit() and self.glued(at + 2))
        label, end = self._label_after(at + 1)
        if not alone and label not in {"ram", "unified", "vram"}:
            return at + 1
        key = label if label in {"ram", "unified", "vram"} else "bare"
        end = end if key != "bare" else at + 1
        self.mentions.append(Mention("size", at, end, key, float(text)))
        return end

    def _after_card(self, previous: Mention) -> bool:
        """`RTX 3060 12, 32`, `2x3090 NVLink + 64`: a size or a link stands between."""
        earlier = self.mentions[-2] if len(self.mentions) > 1 else None
        ended = previous.kind == "size" and previous.key not in {"bare", ""}
        return earlier is not None and earlier.kind == "card" and not ended

    def _size(self, at: int) -> int | None:
        unit_at = at + 2 if self.word(at + 1) == "-" else at + 1
        unit = self.word(unit_at)
        if unit not in self.terms.units_gib or (unit in {"g", "go"} and not self.tokens[unit_at].glued):
            return None
        if self._is_network_speed(unit_at):
            return None  # `10G Ethernet`, `200Gb InfiniBand`
        if self.word(unit_at + 1) == "/" and self.word(unit_at + 2) in {"s", "sec", "mo", "month", "day"}:
            return unit_at + 3
        if self.tokens[at].glued and self.word(at - 1) in _CURRENCY:
            return unit_at + 1
        gib = float(self.tokens[at].text.replace(",", ".")) * self.terms.units_gib[unit]
        end = unit_at + 1
        label, behind = self._label_before(at), end
        if not label:
            label, behind = self._label_after(end)
        if label == "other":
            card_before = (
                bool(self.mentions) and self.mentions[-1].kind == "card" and self.mentions[-1].last == at
            )
            if not (card_before and self.word(behind - 1) in {"model", "s"}):
                return behind
            label = ""
        if self.word(at - 1) in _CURRENCY and self.tokens[at].glued:
            return end
        self.mentions.append(Mention("size", at, behind, label, gib, self.times_before(at)))
        return behind

    def _label_after(self, at: int) -> tuple[str, int]:
        """The label behind a size, and the index behind the label."""
        for ahead in range(at, min(at + 4, len(self.tokens))):
            found = self._phrases.match(self.tokens, ahead)
            if found is not None and found[0].kind in {"label", "memory_type"}:
                entry, end = found
                if entry.kind == "memory_type":
                    self.mentions.append(Mention("memory_type", ahead, end, entry.key))
                    nested = self._phrases.match(self.tokens, end) if end < len(self.tokens) else None
                    end = nested[1] if nested and nested[0].key == "ram" else end
                self._used_labels.update(range(ahead, end))
                return ("ram" if entry.kind == "memory_type" else entry.key), end
            if self.word(ahead) not in self.terms.label_fillers:
                break
        return "", at

    def _label_before(self, at: int) -> str:
        """`RAM: 64 GB`, `memory of 64 GB`."""
        before = at - 1
        while before >= 0 and before > at - 3 and self.word(before) in {":", "=", "of", "is"}:
            before -= 1
        if before in self._used_labels:
            return ""
        for start in (before - 1, before):
            found = self._phrases.match(self.tokens, start) if start >= 0 else None
            if (
                found
                and found[0].kind == "label"
                and found[1] == before + 1
                and found[0].key in {"ram", "vram", "unified"}
            ):
                return found[0].key
        return ""

    def _cores(self, at: int) -> int | None:
        """`16-core`, `40c`."""
        text = self.tokens[at].text
        if not text.isdigit() or len(text) > 4:
            return None
        after = at + 2 if self.word(at + 1) == "-" else at + 1
        if after >= len(self.tokens):
            return None
        found = self._phrases.match(self.tokens, after)
        kind = found[0].kind if found else ""
        end = found[1] if found else after
        if kind not in {"cores", "gpu_cores"}:
            if not (self.word(at + 1) == "c" and self.tokens[at + 1].glued):
                return self._bare_share(at)
            kind, end = "gpu_cores", at + 2
        self.mentions.append(Mention(kind, at, end, number=float(text)))
        return end

    def _bare_share(self, at: int) -> int | None:
        """`Strix Halo 128GB (96 GPU)`: a number without a unit, in parentheses behind a size."""
        previous = self.mentions[-1] if self.mentions else None
        if previous is None or previous.kind != "size" or self.word(at - 1) != "(" or previous.last < at - 1:
            return None
        label, end = self._label_after(at + 1)
        if label not in {"card", "vram"}:
            return None
        self.mentions.append(Mention("size", at, end, "vram", float(self.tokens[at].text)))
        return end

    # -- cards -------------------------------------------------------------------------------------

    def _card(self, entry: Entry, at: int, end: int) -> int:
        if self._inside_word(at, end, weak=entry.weak) or (entry.weak and not self._supported(at, end)):
            if self.word(at) in self.terms.prefixes:
                return self._unknown(at)
            if self.word(end) in _CHIP_GRADES and entry.records[0].vendor == "Apple":
                self.mentions.append(
                    Mention("unknown", at, end + 1, self.quote(at, end + 1), records=entry.records)
                )
                return end + 1
            return end if end == at + 1 else at + 1
        plural = self.word(end) == "s" and self.tokens[end].glued
        last = end + 1 if plural else end
        count, first = self.count_before(at, plural=plural)
        more, last = self.count_after(last)
        self.mentions.append(
            Mention("card", first, last, entry.key, count=max(count, more), records=entry.records)
        )
        return last

    def _inside_word(self, at: int, end: int, *, weak: bool) -> bool:
        """True where the name is a part of a longer word (`bge-m3`, `m3e`, `4090D`)."""
        if end < len(self.tokens):
            after = self.tokens[end]
            if after.glued and after.is_word and after.text not in _GLUED_AFTER:
                return True
            if after.text == "." and self._glued_digit(end + 1):
                return True
        if at == 0 or not self.tokens[at].glued:
            return False
        before = self.tokens[at - 1]
        if before.is_word:
            return (
                before.text not in {"x", *self.terms.units_gib} and before.text not in self.terms.vendor_words
            )
        attached = at >= 2 and before.text in _HYPHENS and before.glued and self.tokens[at - 2].is_word
        if attached and weak:
            allowed = {*self.terms.vendor_words, *self.terms.numbers, *self.terms.units_gib}
            return self.tokens[at - 2].text not in allowed and not self.tokens[at - 2].text.isdigit()
        return False

    def _glued_digit(self, at: int) -> bool:
        return at < len(self.tokens) and self.tokens[at].glued and self.tokens[at].text[0].isdigit()

    def _supported(self, at: int, end: int) -> bool:
        """Whether the surroundings make a bare number or short code a card."""
        left, right = self.word(at - 1), self.word(end)
        if left in _CURRENCY or right in _CURRENCY:
            return False
        if self.short and len(self.tokens) <= end - at + 2 and not right.isalpha():
            return True
        if right == "s" and self.tokens[end].glued:
            return True
        if right.isdigit() and self.word(end + 1) in self.terms.units_gib:
            return True
        if left in self.terms.units_gib and self.tokens[at].text[0].isdigit():
            return True
        left_ok = (
            not left
            or not self.tokens[at - 1].is_word
            or left in self.terms.weak_left
            or left in self.terms.units_gib
        )
        if left.isdigit():
            left_ok = (
                self.tokens[at].text.isdigit() and self.word(at - 2) not in {"-"} and int(float(left)) <= 16
            )
        right_ok = not right or not right[0].isalnum() or right in self.terms.weak_right or right.isdigit()
        if self.tokens[at].text.isdigit() and not (left in self.terms.weak_left or left.isdigit() or at == 0):
            left_ok = left_ok and left in {"+", "(", ",", ":", "*"} and not right.isdigit()
        return left_ok and right_ok

    def _unknown(self, at: int) -> int:
        """`RTX 9999`: a series that is known with a number that is not."""
        end = at + 1
        while (
            end < len(self.tokens) and end < at + 3 and self.word(end) in self.terms.prefixes | {"-", "pro"}
        ):
            found = self._phrases.match(self.tokens, end)
            if found is not None and found[0].kind == "card":
                return end
            end += 1
        found = self._phrases.match(self.tokens, end) if end < len(self.tokens) else None
        if found is not None and found[0].kind == "card":
            return end
        if 0 < len(self.word(end)) <= 3 and self.word(end).isalpha() and self._glued_digit(end + 1):
            end += 1
        number = self.word(end)
        if not (number.isdigit() and 3 <= len(number) <= 5) or self.word(end + 1) in self.terms.units_gib:
            return at + 1
        end += 1
        while end < len(self.tokens) and (
            (self.tokens[end].glued and self.word(end).isalpha() and self.word(end) != "s")
            or self.word(end) in {"ti", "super", "xt", "xtx"}
        ):
            end += 1
        plural = self.word(end) == "s" and self.tokens[end].glued
        count, first = self.count_before(at, plural=plural)
        self.mentions.append(Mention("unknown", first, end, self.quote(at, end), count=count))
        return end

    # -- everything else ---------------------------------------------------------------------------

    def _phrase(self, entry: Entry, at: int, end: int) -> int:
        if end < len(self.tokens) and self.tokens[end].glued and self.tokens[end].is_word:
            return at + 1
        if entry.kind == "link" and not (self.glued(at) and self.word(at - 1)[-1:].isalpha()):
            return self._link(entry.key, at, end)
        if at and self.tokens[at].glued and self.tokens[at - 1].is_word:
            return at + 1
        kind, key = entry.kind, entry.key
        if kind == "label":
            if key != "card" or at in self._used_labels:
                return end
            kind = "gpus"
        if kind == "platform" and self.word(end) in {"learning", "translation", "translated"}:
            return end
        count = self.count_before(at, plural=self.word(end - 1).endswith("s"))[0]
        self.mentions.append(Mention(kind, at, end, key, count=count))
        return end

    def _phrase_kind(self, at: int) -> str:
        """What begins at a token."""
        found = self._phrases.match(self.tokens, at) if at < len(self.tokens) else None
        return found[0].kind if found is not None else ""

    def _is_network_speed(self, unit_at: int) -> bool:
        """Gigabits before a network: `G` alone, or a small b as in `Gb`."""
        found = self._phrases.match(self.tokens, unit_at + 1) if unit_at + 1 < len(self.tokens) else None
        link = self._links.get(found[0].key) if found is not None and found[0].kind == "link" else None
        bits = self.quote(unit_at, unit_at + 1)[-1] in "gGb"
        return link is not None and link.scope == "network" and bits

    def _link(self, key: str, at: int, end: int) -> int:
        """`InfiniBand NDR`, `Thunderbolt 5`, `10GbE`, `100G Ethernet`: a link with its speed in Gbit/s."""
        link, units = self._links[key], self.terms.interconnects.speed_units
        first, speed = at, 0.0
        own_unit = self.word(at) in units
        before = at - 1
        if self.word(before) in units and self.word(before - 1)[:1].isdigit():
            before -= 1
            own_unit = True
        if own_unit and self.word(before)[:1].isdigit():
            first, speed = before, float(self.word(before).replace(",", "."))
        while self._phrase_kind(end) == "link" or self.word(end) in _SPEED_SIGNS:
            if self._phrase_kind(end) == "link":
                found = self._phrases.match(self.tokens, end)
                key = found[0].key if found is not None and key in {"Ethernet", "RDMA"} else key
                link = self._links[key]
            end += 1
        generation = self.word(end)
        if generation in link.gbits:
            key, speed, end = f"{key} {generation.upper()}", speed or link.gbits[generation], end + 1
        if self.word(end)[:1].isdigit() and self.word(end + 1) in units:
            speed, end = speed or float(self.word(end).replace(",", ".")), end + 2
        self.mentions.append(Mention("link", first, end, key, speed or link.usual_gbits or 0.0))
        return end
