"""Where a plan finds machines, models and amounts: in the question first, then in the conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from agent.understanding import Understanding
from agent.understanding.text import prepare
from knowledge.catalog.api_models import find_api_names, is_retired
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, UsageError
from knowledge.today import today
from tools.brief import brief_of
from tools.memory.pretrain import pretrain_configs
from tools.needs import HardwareNeed, ModelWish, Needs, Slot, Training
from tools.planning.amounts import read_amount
from tools.planning.pretrain_tables import use_case_row
from tools.recommend import rank_for

POINTED = re.compile(r"\b(?:it|its|this|that|this model|the (?:model|first one|recommended (?:one|model)))\b")
SIZE_TOLERANCE = 0.12
"""How far from a named size (`8B`) a base may be."""
_CARD = re.compile(r"(?<!\w)(\d{1,3}) ?gi?b (?:(?:nvidia |amd |graphics )?(?:cards?|gpus?)|(?:of )?vram)\b")
_SCALE = r"(?:(?:thousand|million|billion)\b|[kmb]\b)?"
_SAMPLE = re.compile(rf"(\d[\d,.]*\s?{_SCALE}\s?[a-z]+)")
_AMOUNT = re.compile(
    rf"(?<![\w.,])(\d[\d,.]*\s?{_SCALE}\s?[a-z]+"
    r"(?:\s(?:of|x|with|at)\s(?:about |around )?\d[\d,.]*\s?(?:tokens|words|pages|characters)(?: each)?)?)"
)
_LENGTH = re.compile(r"[ -]?(?:context|window|chunk|at once|per|a day|each)")
"""What follows tokens of a window, a chunk or a day, and not of a text."""
PASSAGE_TOKENS = 400
_PASSAGES = re.compile(r"\b(?:passages?|chunks?|paragraphs?|snippets?)$")
_SIZE = re.compile(r"(?<=\d)(\s?)([kmgt]i?b)\b")


@dataclass(slots=True)
class Asked:
    """A question with what was said before it."""

    low: str
    """The question, lowered."""
    read: Understanding
    needs: Needs
    last: list[str]
    """Models of the last recommendation, best first."""
    document_tokens: int
    document_why: str
    notes: list[str] = field(default_factory=list)
    """Assumptions that a source made."""

    def said(self, name: str) -> Slot[Any] | None:
        """A slot that the message itself fills, in a question or beside it."""
        return self.read.asked_of.get(name) or self.read.updates.get(name)

    def slot(self, path: str, source: str) -> Any:  # noqa: ANN401 - a slot may hold anything
        """The value of a slot (`volume.input_tokens_per_day`) as `said` in the question, `known` from before,
        or either (`need`); None where it is not filled.
        """
        name, _, inner = path.partition(".")
        said = self.said(name) if source != "known" else None
        known: Slot[Any] | None = getattr(self.needs, name) if source != "said" else None
        for slot in (said, known):
            value = slot.value if slot is not None else None
            value = getattr(value, inner, None) if inner else value
            if value not in (None, (), "", False):
                return value
        return None


def _machine_need(asked: Asked) -> HardwareNeed | None:
    said = asked.said("hardware")
    if said is not None:
        need: HardwareNeed = said.value
        return need
    card = _CARD.search(asked.low)
    if card is not None:
        return HardwareNeed(text=f"a {card[1]} GB card")
    return asked.needs.hardware.value if asked.needs.hardware is not None else None


def machine(asked: Asked) -> str | None:
    """The machine that runs a model, in words; `none` where the person has none."""
    need = _machine_need(asked)
    if need is None:
        return None
    return "none" if need.none else need.text or None


def trainer(asked: Asked) -> str | None:
    """The machine that trains."""
    need = _machine_need(asked)
    return None if need is None or need.none else need.training_text or need.text or None


def user_machine(asked: Asked) -> str | None:
    """The machine that runs the model afterward, where it is another."""
    need = _machine_need(asked)
    return need.text or None if need is not None and need.training_text and not need.none else None


def rented(asked: Asked) -> str | None:
    """The machine of the question as a rented one."""
    said = asked.said("hardware")
    if said is None or not said.value.text:
        return None
    text = re.sub(r"^(?:an?|the|one|my)\s+", "", said.value.text, flags=re.IGNORECASE)
    return text if "rent" in text.lower() else f"rented {text}"


def _named(asked: Asked) -> list[str]:
    """Models of the question in the order of naming, then the one that is pointed at."""
    by_id = load_catalog().by_id
    found = [i for i in asked.read.mentions.models if i.lower() in by_id or "/" not in i]
    if not found and asked.last and POINTED.search(asked.low):
        found = asked.last[:1]
    return found


def model(asked: Asked) -> str | None:
    """The first model of the question."""
    return next(iter(_named(asked)), None)


def other_models(asked: Asked) -> tuple[str, ...] | None:
    """The further models of the question."""
    return tuple(_named(asked)[1:]) or None


def recommended(asked: Asked) -> str | None:
    """The first choice of the last recommendation, where it is a model of the catalog that writes."""
    catalog = load_catalog()
    names = {m.name: m for m in catalog.models}
    first = names.get(asked.last[0]) if asked.last else None
    return first.id if first is not None and first.kind not in ("embedding", "reranker", "encoder") else None


def wished_model(asked: Asked) -> str | None:
    """The one model that was asked for before."""
    wish = asked.needs.model.value if asked.needs.model is not None else None
    return wish.named[0] if wish is not None and len(wish.named) == 1 else None


def _best_base(asked: Asked, wish: ModelWish, what: str) -> str | None:
    """The best base to train of a family or size, whatever fits; it is told which one stands for it."""
    text = trainer(asked)
    machine = Slot[Any](value=HardwareNeed(text=text, training_text=text)) if text else None
    training = Slot[Any](value=Training(method="qlora"))
    needs = asked.needs.updated(hardware=machine, training=training, model=None)
    try:
        brief = replace(brief_of(needs), wish=wish, mode="local", role="finetune-base")
        ranked = rank_for(brief, 1)
    except AdvisorError:
        return None
    best = [c.model_id for c in ranked.candidates] + [r.model_id for r in ranked.rejected]
    found = next((i for i in best if i is not None and i.lower() in load_catalog().by_id), None)
    if found is not None:
        name = load_catalog().by_id[found.lower()].name
        asked.notes.append(f"model: {name} (stands for {what}, which no one model is)")
    return found


def model_of_size(asked: Asked) -> str | None:
    """The best base of a size that is named instead of a model."""
    sizes = asked.read.mentions.sizes_b
    if not sizes:
        return None
    wish = ModelWish(
        families=asked.read.mentions.families,
        min_params_b=min(sizes) * (1 - SIZE_TOLERANCE),
        max_params_b=max(sizes) * (1 + SIZE_TOLERANCE),
    )
    return _best_base(asked, wish, f"about {max(sizes):g}B")


def model_of_family(asked: Asked) -> str | None:
    """The best base of a family that is named without a size."""
    families = asked.read.mentions.families
    return _best_base(asked, ModelWish(families=families), " or ".join(families)) if families else None


def api(asked: Asked) -> tuple[str, ...] | None:
    """API models of the question that are still served."""
    found = [m.key for _, _, m in find_api_names(asked.low) if not is_retired(m, today())]
    return tuple(dict.fromkeys(found)) or None


def config(asked: Asked) -> str | None:
    """A pretraining configuration by its name."""
    for row in sorted(pretrain_configs(), key=lambda c: -len(c.name)):
        name = re.escape(row.name.lower()).replace("_", "[_ -]?")
        # `small` and `tiny` are words as well.
        words = rf"(?:{name}(?:\.json| config)|config\w* {name})" if row.name.isalpha() else name
        if re.search(rf"(?<![\w-]){words}(?![\w-])", asked.low):
            return row.name
    return None


def _texts(asked: Asked) -> Iterator[re.Match[str]]:
    """Amounts in the question, without those of machines (`RTX 3060 12GB`, `24 GB card`)."""
    low = asked.low
    for mention in asked.read.mentions.accelerators:
        low = low.replace(mention.lower(), ";")
    return _AMOUNT.finditer(_CARD.sub(";", low))


def use_case(asked: Asked) -> str | None:
    """What a pretrained model is for, as the guide's table has it."""
    found = re.search(r"\bfor (?:an? |the |my |our )?(.+)", asked.low)
    if found is None:
        return None
    try:
        return str(use_case_row(found[1])["name"])
    except UsageError:
        return None


def amount(asked: Asked) -> str | None:
    """An amount of text that a plan can read, as the question says it."""
    for found in _texts(asked):
        for words in (found[1], *_SAMPLE.findall(found[1])):
            try:
                read_amount(words)
            except UsageError:
                continue
            if not _LENGTH.match(found.string[found.end() :]):
                return _SIZE.sub(lambda size: f" {size[2].upper()}", words)
    return None


def corpus(asked: Asked) -> str | None:
    """The text to search; documents without a length are taken to have a usual one, which is said."""
    return amount(asked) or _counted(asked, _texts(asked)) or _counted(asked, _counts_known(asked))


def _counted(asked: Asked, counts: Iterable[re.Match[str]]) -> str | None:
    """So many documents or passages, with the length that is usual for them."""
    for found in counts:
        of, tokens, why = "document", asked.document_tokens, asked.document_why
        if _PASSAGES.search(found[1]):
            of, tokens, why = "passage", PASSAGE_TOKENS, "the upper end of the guide's 200 to 400"
        words = f"{found[1]} x {tokens} tokens"
        try:
            read_amount(words, "corpus")
        except UsageError:
            continue
        asked.notes.append(f"length of a {of}: {tokens:,} tokens ({why})")
        return words
    return None


def _counts_known(asked: Asked) -> Iterator[re.Match[str]]:
    """Counts in what was said before of the data and the task: `2 million passages`; none a day."""
    needs = asked.needs
    told = [needs.task.value.detail] if needs.task is not None else []
    if needs.dataset is not None and needs.dataset.value.examples and needs.training is None:
        told.insert(0, f"{needs.dataset.value.examples} documents")
    for text in told:
        low = prepare(text).low
        yield from (found for found in _AMOUNT.finditer(low) if not _LENGTH.match(low[found.end() :]))


SOURCES: dict[str, Callable[[Asked], Any]] = {
    "machine": machine,
    "trainer": trainer,
    "user_machine": user_machine,
    "rented": rented,
    "model": model,
    "other_models": other_models,
    "recommended": recommended,
    "wished_model": wished_model,
    "model_of_size": model_of_size,
    "model_of_family": model_of_family,
    "api": api,
    "config": config,
    "use_case": use_case,
    "amount": amount,
    "corpus": corpus,
}
"""The readers that `from` names in `agent/data/plan_topics.json`."""
