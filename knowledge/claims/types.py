"""A statement of a guide that a tool could check: of what, which quantity, how much, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from knowledge.corpus import Origin

Quantity = Literal[
    "file",
    "memory",
    "cache",
    "cache_per_token",
    "window",
    "parameters",
    "active_parameters",
    "layers",
    "heads",
    "kv_heads",
    "vocabulary",
    "bits",
    "share",
    "speed",
    "device_memory",
    "bandwidth",
    "input_price",
    "output_price",
    "price",
    "license",
    "commercial_use",
    "dimensions",
    "training_memory",
    "rent",
    "arithmetic",
]
"""What is stated. `file` is the size of weights, in a file or loaded; `memory` what use takes on devices."""

SubjectKind = Literal["model", "size", "api", "device", "quant", "sum"]
Hedge = Literal["", "about", "at most", "at least"]
Dimension = Literal[
    "bytes",
    "bandwidth",
    "tokens",
    "speed",
    "percent",
    "usd",
    "bits",
    "params",
    "layers",
    "heads",
    "kv_heads",
    "dimensions",
    "vocabulary",
    "count",
]


@dataclass(frozen=True, slots=True)
class Stated:
    """A figure as it is written.

    `low` and `high` are bytes, tokens, parameters, per cent, dollars, bits, tokens or bytes per second; equal
    where one figure stands. `half` is half of the last written digit, `scales` what a unit may mean beside 1
    (1024 / 1000 of a K).
    """

    low: float
    high: float
    half: float
    dimension: Dimension
    hedge: Hedge = ""
    scales: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a claim is about. `ids` are records of the catalog, keys of the price map, or a size in 10**9.

    Several ids: the name could mean any of them. None: the catalog does not know the name.
    """

    kind: SubjectKind
    text: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a figure is stated; None where the guide does not say."""

    quant: str | None = None
    """As a tool names it, or a class of them: `4-bit`, `Q4`, `Q5`."""
    context: int | None = None
    """Tokens."""
    kv_type: str | None = None
    devices: tuple[str, ...] = ()
    """Accelerators that the name could mean."""
    device_count: int = 1
    method: str | None = None
    """Of training: full, lora, qlora."""
    per: str | None = None
    """What a price is for, where it is not a million tokens."""
    loose: bool = False
    """More was said of the circumstances than a condition holds (an engine's option, a batch, an offload)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement, with its place and the words it stands in."""

    file: str
    origin: Origin
    heading: tuple[str, ...]
    line: int
    """1-based line of the file."""
    words: str
    """The sentence or the table row, without Markdown's marks."""
    figure_words: str
    """The figure as written."""
    subject: Subject
    quantity: Quantity
    stated: Stated | None
    text_value: str | None = None
    """What is stated where that is no figure: a license, `yes` or `no`."""
    conditions: Conditions = field(default_factory=Conditions)
    attributed: bool = False
    """Told as somebody else's statement, not as the guide's own."""
    past: bool = False
    """Told of an earlier time."""
    negated: bool = False
    """Stated as what does not hold ("does not fit 24 GB")."""
