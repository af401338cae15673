"""YAML of a stranger: plain values only, within limits, with the line of everything that is in it.

Only what YAML 1.2 calls its core is read as something else than text: `no` stays "no" and a date stays text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 200_000
"""Values, with each alias counted as what it stands for."""
MOST_DEPTH = 40
Path = tuple[str | int, ...]
_SCALARS = (
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$")),
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")),
    ("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]{1,18}$")),
    (
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$"),
    ),
)
_TEXT = "tag:yaml.org,2002:str"
_IMPLICIT = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ["str", "null", "bool", "int", "float", "timestamp", "merge", "value"]
}
"""What a value has without a tag of its own."""


_TOLD = (
    (r"character '\t'", "a tab stands where only spaces may indent"),
    ("cannot start any token", "a text that begins with a sign such as `@` or `%` has to be in quotes"),
    ("mapping values are not", "a text with `: ` in it has to be in quotes, or a line is indented wrongly"),
    ("unknown escape character", "in double quotes a backslash is special; write patterns in single quotes"),
    ("another document", "`---` begins a second document; a rubric is one"),
    ("undefined alias", "a text that begins with `*` has to be in quotes"),
    (
        "expected <block end>",
        "a line is indented wrongly, or a text with quotes in it needs others around it",
    ),
    ("expected alphabetic", "a text that begins with `*` or `&` has to be in quotes"),
    ("unexpected end of stream", "a quote is opened and not closed"),
    ("could not find expected ':'", "a line is neither a key with `:` nor an item that begins with `- `"),
    ("expected ',' or", "a bracket is opened and not closed, or a text in brackets has to be in quotes"),
)
"""What the loader says, and what a person is to look for."""


class YamlError(Exception):
    """What is wrong, and the line where (None where that is not known)."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(slots=True)
class Read:
    """A document and the line of each value in it, counted from 1."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)


def read_yaml(text: str) -> Read:
    """The one document of a text.

    Raises:
        YamlError: it cannot be read, or is larger or deeper than a rubric is.
    """
    import yaml

    try:
        _check_depth(text)
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "it cannot be read"
        told = next((text for sign, text in _TOLD if sign in reason), reason)
        raise YamlError(f"this is no YAML: {told}", mark.line + 1 if mark is not None else None) from None
    except yaml.YAMLError as error:
        raise YamlError(f"this is no YAML: {str(error).splitlines()[0][:120]}", None) from None
    if node is None:
        raise YamlError("there is nothing in it", 1)
    builder = _Builder()
    value = builder.build(node, ())
    return Read(value, builder.lines)


def _check_depth(text: str) -> None:
    """Refuses what the loader, which calls itself for each level, could not come out of."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark is not None else None
                raise YamlError(f"it is nested more than {MOST_DEPTH} deep", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns nodes into values, and counts them."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._left = MOST_NODES
        self._open: set[int] = set()

    def build(self, node: Any, path: Path) -> Any:  # noqa: ANN401 - nodes of yaml have no common type here
        """The value of a node."""
        import yaml

        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0:
            raise YamlError(f"it holds more than {MOST_NODES:,} values (aliases counted in full)", line)
        if id(node) in self._open:
            raise YamlError("an alias stands for something that contains it", line)
        if path not in self.lines and len(path) <= MOST_DEPTH:
            self.lines[path] = line
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, line)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise YamlError(f"the tag {node.tag[:60]} is not known here", line)
        self._open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            built: Any = [self.build(inner, (*path, at)) for at, inner in enumerate(node.value)]
        else:
            built = self._mapping(node, path)
        self._open.discard(id(node))
        return built

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401 - as above
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.build(key_node, (*path, "\0key"))
            if not isinstance(key, Hashable) or not isinstance(key, str):
                raise YamlError("a key has to be text", line)
            if key == "<<":
                raise YamlError("merging with `<<` is not read here; write the keys out", line)
            if key in built:
                raise YamlError(f"`{key[:60]}` stands here twice", line)
            self.lines[(*path, key)] = line
            built[key] = self.build(value_node, (*path, key))
        return built


def _scalar(node: Any, line: int) -> Any:  # noqa: ANN401 - as above
    """The value of a scalar by YAML 1.2's core; quoted ones and blocks are always text."""
    text: str = node.value
    if node.tag not in _IMPLICIT:
        raise YamlError(f"the tag {node.tag[:60]} is not known here", line)
    if node.style is not None:
        return text
    for tag, pattern in _SCALARS:
        if pattern.match(text):
            # `!!str 5` is text; YAML 1.1 takes 1e3 for text too, and there 1.2 holds.
            return text if node.tag == _TEXT and not tag.endswith("float") else _converted(tag, text)
    return text


def _converted(tag: str, text: str) -> Any:  # noqa: ANN401 - as above
    kind = tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    return int(text) if kind == "int" else float(text)
