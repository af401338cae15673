"""The slots of an interview: typed values, and where each came from.

A slot that nobody filled is `None`; the tools then use a stated assumption, never a hidden default.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tools.evaluated import Evaluated

Task = Literal[
    "chat",
    "code",
    "agent",
    "reasoning",
    "rag",
    "summarization",
    "extraction",
    "classification",
    "translation",
    "writing",
    "vision",
    "embedding",
    "reranking",
]
Role = Literal["generator", "embedder", "reranker", "classifier", "finetune-base", "pretrain-config"]
Source = Literal["user", "inferred", "detected", "assumed"]
"""`inferred`: a language model read it from the person's words, and the built-in parser did not."""
Feature = Literal["tool_calling", "thinking", "vision", "structured_output", "multilingual"]
SLOTS = (
    "task",
    "deployment",
    "hardware",
    "license",
    "context",
    "priority",
    "min_speed",
    "concurrency",
    "volume",
    "budget",
    "languages",
    "features",
    "training",
    "dataset",
    "model",
)


class Value(BaseModel):
    """Base of the structured slot values."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TaskNeed(Value):
    """What the model is for."""

    name: Task
    detail: str = ""
    """The person's own words, shortened."""
    also: tuple[Task, ...] = ()
    long_inputs: bool = False


class Deployment(Value):
    """Where the model runs."""

    mode: Literal["local", "api", "either"]
    private: bool = False
    """Nothing may leave the machine (or the company)."""
    offline: bool = False
    server: bool = False
    """Serves others, in production or in a team."""


class HardwareNeed(Value):
    """The machines, as text and as read by `tools.hardware`."""

    text: str
    """What was said of machines for using the model; read again by `tools.hardware.read_hardware`."""
    training_text: str = ""
    """What was said of machines for training, where it is another."""
    none: bool = False
    """The person has no accelerator and no machine to run a model on."""


UseField = Literal["military", "medical", "law_enforcement"]


class LicenseNeed(Value):
    """The intended use, as far as licenses care."""

    use: Literal["personal", "research", "commercial", "any"]
    permissive_only: bool = False
    """Only Apache-2.0, MIT, BSD or the like."""
    redistribute: bool = False
    users: int | None = Field(None, ge=0)
    """Monthly active users."""
    revenue_usd: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Yearly revenue."""
    region: Literal["eu", "uk", "kr", "other"] | None = None
    """Where the person or company is based."""
    field: UseField | None = None
    """A field of use that licenses name."""
    train_on_outputs: bool = False
    """Another model is to be trained on what this one writes."""


class Volume(Value):
    """Tokens a day through the model."""

    input_tokens_per_day: int | None = None
    output_tokens_per_day: int | None = None
    requests_per_day: int | None = None
    bursty: bool = False


class Budget(Value):
    """Money, in US dollars."""

    usd_per_month: float | None = None
    usd_once: float | None = None


class Training(Value):
    """Whether and how a model is trained."""

    method: Literal["none", "any", "lora", "qlora", "full", "scratch"]
    sequence_length: int | None = None
    """Tokens in one training example."""


class Dataset(Value):
    """What there is to train on."""

    examples: int | None = None
    bytes: int | None = None
    tokens: int | None = None
    labeled: bool | None = None
    classes: int | None = None
    multi_label: bool | None = None
    tokens_per_example: int | None = None


class ModelWish(Value):
    """Models or sizes that the person named."""

    named: tuple[str, ...] = ()
    """Catalog ids the person asked for."""
    excluded: tuple[str, ...] = ()
    """Families or names the person does not want."""
    families: tuple[str, ...] = ()
    """Families the person wants a model of, lower case (`qwen`)."""
    min_params_b: float | None = None
    max_params_b: float | None = None
    excluded_places: tuple[str, ...] = ()
    """Countries (ISO 3166) or regions (`europe`) whose makers the person rules out."""
    places: tuple[str, ...] = ()
    """Countries or regions that the maker has to sit in; one of them."""
    newer_than: str | None = None
    """ISO date; only models released after it."""
    open_data: bool = False
    """Only models whose training data is published."""
    no_thinking: bool = False
    """No model that always thinks before it answers."""


T = TypeVar("T")


class Slot(BaseModel, Generic[T]):
    """A value, who said it, and the words that said it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    value: T
    source: Source = "user"
    quote: str = ""
    strength: Literal["must", "wish"] = "must"


Priority = Literal["quality", "balanced", "speed", "cost", "small"]


class Needs(BaseModel):
    """Everything known of what a person wants; the only input of a recommendation."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    task: Slot[TaskNeed] | None = None
    deployment: Slot[Deployment] | None = None
    hardware: Slot[HardwareNeed] | None = None
    license: Slot[LicenseNeed] | None = None
    context: Slot[int] | None = Field(default=None, description="tokens one conversation or request needs")
    priority: Slot[Priority] | None = None
    min_speed: Slot[float] | None = Field(default=None, description="tokens per second, at least")
    concurrency: Slot[int] | None = Field(default=None, description="conversations at once")
    volume: Slot[Volume] | None = None
    budget: Slot[Budget] | None = None
    languages: Slot[tuple[str, ...]] | None = Field(
        default=None, description="ISO 639-1 codes; `multi` for many"
    )
    features: Slot[tuple[Feature, ...]] | None = None
    training: Slot[Training] | None = None
    dataset: Slot[Dataset] | None = None
    model: Slot[ModelWish] | None = None
    _evaluated: tuple[Evaluated, ...] = PrivateAttr(default=())

    @property
    def evaluated(self) -> tuple[Evaluated, ...]:
        """What options passed of scenarios in this conversation; nobody says it, and no document has it."""
        return self._evaluated

    def knowing(self, evaluated: tuple[Evaluated, ...]) -> Needs:
        """A copy with what was measured, which goes along with every later copy."""
        copy = self.model_copy()
        copy._evaluated = evaluated
        return copy

    def updated(self, **slots: Slot[Any] | None) -> Needs:
        """A copy with some slots replaced (None clears one)."""
        return self.model_copy(update=slots)

    def as_json(self) -> dict[str, Any]:
        """JSON-plain: the filled slots, each with value, source and quote."""
        return self.model_dump(mode="json", exclude_none=True)
