"""A rubric: scenarios with their checks, as docs/evaluate.md describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from tools.evaluation.first_tries import id_of, listed, number_of
from tools.evaluation.patterns import checked_pattern
from tools.evaluation.schemas import checked_schema

MOST_SCENARIOS = 2_000
MOST_MESSAGES = 100
MOST_CHECKS = 50
MOST_TEXT = 200_000
"""Characters of one text."""
ANSWER_TOKENS = 1_024

ShortText = Annotated[str, Field(min_length=1, max_length=2_000)]
Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
Listed = BeforeValidator(listed)
"""Of what is written as one or as a list of them."""
Numbered = BeforeValidator(id_of)
Quoted = BeforeValidator(number_of)
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=100), Listed]
Tokens = Annotated[int, Field(ge=1, le=65_536), Quoted]
Id = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w.:/-]+$"), Numbered]
ToolName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class Part(BaseModel):
    """Base of everything in a rubric; unknown keys are refused, because a misspelled check checks nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


Ignored = Literal["case", "punctuation"]


class ExactCheck(Part):
    """The answer is this text, or one of these; white space at its ends and its amount do not count."""

    exact: Texts
    ignore: Annotated[tuple[Ignored, ...], Listed] = ()


class ContainsCheck(Part):
    """The answer contains this text, or all of these."""

    contains: Texts
    ignore: Annotated[tuple[Ignored, ...], Listed] = ()


class RegexCheck(Part):
    """The pattern is found in the answer."""

    regex: ShortText

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return checked_pattern(value)


class NumericCheck(Part):
    """A number of the answer is this one."""

    numeric: Annotated[float, Field(allow_inf_nan=False), Quoted]
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False), Quoted] = 0.0
    """Absolute; with `relative` the wider one holds."""
    relative: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False), Quoted] = 0.0
    """As a share of the expected number: 0.05 is 5 %."""
    which: Literal["last", "first", "any"] = "last"
    decimal: Literal[".", ","] = "."


class JsonSchemaCheck(Part):
    """The answer is JSON that fulfils this JSON Schema."""

    json_schema: dict[str, Any]
    only: bool = False
    """Nothing may stand around the JSON, not even a fence."""

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        return checked_schema(value)


class ToolCallCheck(Part):
    """The model called this tool, or one of these; `*` is any."""

    tool_call: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(\*|[A-Za-z0-9_.-]{1,64})$")], ...],
        Field(min_length=1, max_length=20),
        Listed,
    ]
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments that must have these values; others are free."""
    arguments_schema: dict[str, Any] | None = None
    """JSON Schema for all arguments together."""
    only: bool = False
    """No other call, and no other argument than those of `arguments`."""

    @field_validator("arguments_schema")
    @classmethod
    def _is_schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return value if value is None else checked_schema(value)


class JudgeCheck(Part):
    """Another model finds that the answer meets every line of this written rubric."""

    judge: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=4_000)], ...],
        Field(min_length=1, max_length=20),
        Listed,
    ]
    reference: Text | None = None
    """A good answer that the judge may hold this one against."""


class AllCheck(Part):
    """All of these hold."""

    all: Checks = Field(min_length=1)


class AnyCheck(Part):
    """At least one of these holds."""

    any: Checks = Field(min_length=1)


class NotCheck(Part):
    """This does not hold."""

    not_: Check = Field(alias="not")


KINDS = ("exact", "contains", "regex", "numeric", "json_schema", "tool_call", "judge", "all", "any", "not")


def _kind(value: object) -> str | None:
    """The kind of a check, by its key."""
    if isinstance(value, Mapping):
        found = [kind for kind in KINDS if kind in value]
        return found[0] if len(found) == 1 else None
    for kind, model in _MODELS.items():
        if isinstance(value, model):
            return kind
    return None


Check = Annotated[
    Annotated[ExactCheck, Tag("exact")]
    | Annotated[ContainsCheck, Tag("contains")]
    | Annotated[RegexCheck, Tag("regex")]
    | Annotated[NumericCheck, Tag("numeric")]
    | Annotated[JsonSchemaCheck, Tag("json_schema")]
    | Annotated[ToolCallCheck, Tag("tool_call")]
    | Annotated[JudgeCheck, Tag("judge")]
    | Annotated[AllCheck, Tag("all")]
    | Annotated[AnyCheck, Tag("any")]
    | Annotated[NotCheck, Tag("not")],
    Discriminator(
        _kind,
        custom_error_type="check_kind",
        custom_error_message=f"a check has exactly one of these keys: {', '.join(KINDS)}",
    ),
]
Checks = Annotated[tuple[Check, ...], Field(max_length=MOST_CHECKS), Listed]
_MODELS: dict[str, type[BaseModel]] = {
    "exact": ExactCheck,
    "contains": ContainsCheck,
    "regex": RegexCheck,
    "numeric": NumericCheck,
    "json_schema": JsonSchemaCheck,
    "tool_call": ToolCallCheck,
    "judge": JudgeCheck,
    "all": AllCheck,
    "any": AnyCheck,
    "not": NotCheck,
}


def flat(checks: tuple[Check, ...]) -> Iterator[Check]:
    """The checks and those of their groups."""
    for check in checks:
        yield check
        if isinstance(check, AllCheck):
            yield from flat(check.all)
        elif isinstance(check, AnyCheck):
            yield from flat(check.any)
        elif isinstance(check, NotCheck):
            yield from flat((check.not_,))


class Tool(Part):
    """A tool that the model may call; nothing is run."""

    name: ToolName
    description: Annotated[str, Field(max_length=4_000)] = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON Schema of the arguments."""

    @field_validator("parameters")
    @classmethod
    def _is_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        return checked_schema(value)

    def as_request(self) -> dict[str, Any]:
        """As chat completions take it."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


class FixedCall(Part):
    """A tool call of a fixed assistant turn."""

    name: ToolName
    arguments: dict[str, Any] = Field(default_factory=dict)


class UserMessage(Part):
    """What the person says."""

    role: Literal["user"]
    content: Text


class AssistantMessage(Part):
    """A fixed turn of the assistant; without content and calls the model fills it in."""

    role: Literal["assistant"]
    content: Text | None = None
    calls: Annotated[tuple[FixedCall, ...], Field(max_length=20, strict=False)] = ()
    checks: Checks = ()
    """Of a turn that the model fills in."""

    @property
    def is_open(self) -> bool:
        """Whether the model fills it in."""
        return self.content is None and not self.calls

    @model_validator(mode="after")
    def _checked_where_open(self) -> AssistantMessage:
        if self.checks and not self.is_open:
            raise ValueError("a fixed turn of the assistant cannot have checks")
        return self


class ToolMessage(Part):
    """What a tool gave back, for the call of that name in the assistant turn before."""

    role: Literal["tool"]
    name: ToolName
    content: Text


def _role(value: object) -> str | None:
    role = value.get("role") if isinstance(value, Mapping) else getattr(value, "role", None)
    return role if isinstance(role, str) and role in ("user", "assistant", "tool") else None


Message = Annotated[
    Annotated[UserMessage, Tag("user")]
    | Annotated[AssistantMessage, Tag("assistant")]
    | Annotated[ToolMessage, Tag("tool")],
    Discriminator(
        _role,
        custom_error_type="message_role",
        custom_error_message="a message has the role user, assistant or tool (the system prompt has a key of "
        "its own: system)",
    ),
]


class Scenario(Part):
    """One case: a conversation up to the model's answer, and what a passing answer is."""

    id: Id
    tags: Annotated[tuple[Annotated[ShortText, Numbered], ...], Field(max_length=50), Listed] = ()
    note: Annotated[str, Field(max_length=4_000)] = ""
    """For people; no model sees it."""
    prompt: Text | None = None
    """Short for one message of the user."""
    messages: Annotated[tuple[Message, ...], Field(max_length=MOST_MESSAGES, strict=False)] = ()
    system: Text | None = None
    """Instead of the rubric's."""
    tools: Annotated[tuple[Tool, ...], Field(max_length=100, strict=False)] | None = None
    """Instead of the rubric's."""
    max_tokens: Tokens | None = None
    checks: Checks = ()
    """All of them have to hold for the last answer."""

    @model_validator(mode="after")
    def _whole(self) -> Scenario:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("a scenario has either `prompt` or `messages`")
        if self.messages and not any(isinstance(one, UserMessage) for one in self.messages):
            raise ValueError("`messages` holds no message of the user")
        _tools_answer_calls(self.messages)
        return self

    def turns(self) -> tuple[Message, ...]:
        """The conversation with the model's last turn at its end."""
        given = self.messages or (UserMessage(role="user", content=self.prompt or ""),)
        last = given[-1]
        if isinstance(last, AssistantMessage) and last.is_open:
            return given
        return (*given, AssistantMessage(role="assistant"))

    @property
    def model_turns(self) -> int:
        """Turns that the model fills in, the last one included."""
        return sum(isinstance(one, AssistantMessage) and one.is_open for one in self.turns())

    def every_check(self) -> Iterator[Check]:
        """The checks of all turns, groups opened."""
        yield from flat(self.checks)
        for message in self.messages:
            if isinstance(message, AssistantMessage):
                yield from flat(message.checks)


def _tools_answer_calls(messages: tuple[Message, ...]) -> None:
    """Raises ValueError where a tool's result follows no turn of the assistant that could have called it."""
    before: Message | None = None
    for message in messages:
        if isinstance(message, ToolMessage):
            if not isinstance(before, AssistantMessage):
                raise ValueError(f"the result of the tool {message.name} follows no turn of the assistant")
            if not before.is_open and message.name not in {call.name for call in before.calls}:
                raise ValueError(f"the turn before the result of {message.name} does not call it")
        else:
            before = message


class Rubric(Part):
    """A whole file."""

    format: Literal[1] = 1
    name: ShortText
    description: Annotated[str, Field(max_length=10_000)] = ""
    system: Text | None = None
    """The system prompt of every scenario that has none of its own."""
    tools: Annotated[tuple[Tool, ...], Field(max_length=100, strict=False)] = ()
    max_tokens: Tokens = ANSWER_TOKENS
    """Tokens that an answer may have."""
    checks: Checks = ()
    """Hold for the last answer of every scenario, beside its own."""
    scenarios: Annotated[tuple[Scenario, ...], Field(min_length=1, max_length=MOST_SCENARIOS, strict=False)]

    @property
    def judged(self) -> bool:
        """Whether any check needs a judge."""
        return any(isinstance(check, JudgeCheck) for check in self.every_check())

    def every_check(self) -> Iterator[Check]:
        """All checks, groups opened."""
        yield from flat(self.checks)
        for scenario in self.scenarios:
            yield from scenario.every_check()

    def checks_of(self, scenario: Scenario) -> tuple[Check, ...]:
        """What the last answer of a scenario has to meet."""
        return (*self.checks, *scenario.checks)

    @property
    def digest(self) -> str:
        """Tells this rubric from others by what it holds; layout and comments of the file do not count."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


for _model in (AllCheck, AnyCheck, NotCheck, Rubric):
    _model.model_rebuild()
