"""The registry's tools as the protocol shows and calls them."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations

from knowledge.errors import AdvisorError
from tools.commands.search import search
from tools.registry import TOOLS, find_tool
from tools.registry import Tool as RegistryTool
from tui.error_log import unexpected
from tui.output import dumps

SEARCH = "search_guides"
Document = dict[str, Any]


def listed() -> list[Tool]:
    """Every tool that changes nothing; those that download or change the catalog need a person's yes."""
    return [_shown(tool) for tool in TOOLS]


def _shown(tool: RegistryTool[Any]) -> Tool:
    return Tool(
        name=tool.name,
        title=tool.name.replace("_", " ").capitalize(),
        description=tool.description,
        input_schema=tool.parameters(),
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def called(name: str, arguments: Mapping[str, object], *, offline: bool) -> CallToolResult:
    """The answer of a tool; whatever goes wrong is one too, with a hint that a model can act on.

    Args:
        name: The tool.
        arguments: As its schema says.
        offline: Forbids an embedder behind an API and a Chroma server, which a person may have set.
    """
    try:
        tool = find_tool(name)
        if offline and name == SEARCH:
            tool = dataclasses.replace(tool, answer=functools.partial(search, offline=True))
        document = tool.run(arguments)
    except AdvisorError as error:
        document = {"error": error.as_json()}
    except Exception as error:
        document = {"error": unexpected(error).as_json()}
    return _result(document)


def _result(document: Document) -> CallToolResult:
    """Where nothing fits, the document says why beside its error: that is an answer, not a failure."""
    failed = set(document) == {"error"}
    text = dumps(document)
    shown = _sentence(document["error"]) if failed else text
    return CallToolResult(
        content=[TextContent(type="text", text=shown)],
        structured_content=json.loads(text),
        is_error=failed,
    )


def _sentence(error: Mapping[str, str]) -> str:
    return f"{error['message']} {error.get('hint', '')}".strip()
