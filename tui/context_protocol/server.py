"""The server: it answers while a calculation runs, and ends with its client.

Nothing of the tools is imported here: the first answer of a client's handshake waits for none of it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from types import ModuleType
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

INTERRUPTED = 130
AT_ONCE = 4
"""Calculations side by side; more would only wait for each other."""
INSTRUCTIONS = (
    "Choosing, sizing and comparing language models: exact memory per engine and quantization, expected "
    "speed, published benchmarks with their source, licenses, prices, plans for fine-tuning and retrieval, "
    "and passages of guides with file and lines. Everything is computed on this machine. Memory is in bytes, "
    "speed in tokens per second, money in US dollars. Call `recommend` for a choice, `fit_model` for one "
    "model on one machine."
)
T = TypeVar("T")


def build(*, offline: bool) -> Server[Any]:
    """The server with its tools, guides and prompt; it listens to nothing yet.

    Args:
        offline: Forbids the network to all of them.
    """
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def aside(work: Callable[[], T]) -> T:
        # A cancelled call is answered at once; its thread ends when its calculation does.
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)

    async def list_tools(_: object, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=await aside(lambda: _tools().listed()))

    async def call_tool(_: object, params: CallToolRequestParams) -> CallToolResult:
        given = params.arguments or {}
        return await aside(lambda: _tools().called(params.name, given, offline=offline))

    async def list_resources(_: object, __: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=await aside(lambda: _guides().listed()))

    async def read_resource(_: object, params: ReadResourceRequestParams) -> ReadResourceResult:
        return await aside(lambda: _guides().read(str(params.uri)))

    async def list_prompts(_: object, __: PaginatedRequestParams | None) -> ListPromptsResult:
        from tui.context_protocol import prompts

        return ListPromptsResult(prompts=prompts.listed())

    async def get_prompt(_: object, params: GetPromptRequestParams) -> GetPromptResult:
        from tui.context_protocol import prompts

        return prompts.filled(params.name, params.arguments or {})

    return Server(
        "llm-advisor",
        version=version("llm-advisor"),
        title="Language model advisor",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


def _tools() -> ModuleType:
    from tui.context_protocol import tools

    return tools


def _guides() -> ModuleType:
    from tui.context_protocol import guides

    return guides


async def _serve(offline: bool) -> None:
    server = build(offline=offline)
    async with stdio_server() as (received, sent):
        threading.Thread(target=_tools, name="tools", daemon=True).start()
        await server.run(received, sent, server.create_initialization_options())


def run(*, offline: bool) -> int:
    """Serves on stdin and stdout until the client closes them.

    Args:
        offline: Forbids the network to all tools.

    Returns:
        0. Ctrl+C ends the process with 130.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    # A thread waits for input and would hold up the usual end; there is nothing to save.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    anyio.run(partial(_serve, offline))
    return 0
