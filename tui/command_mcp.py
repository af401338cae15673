"""`mcp`: the tools and the guides for other programs."""

from __future__ import annotations

import sys

import click

from tui.invocation import common_options, invocation
from tui.output import write_note

HELP = """Serve the tools and the guides to other programs over the Model Context Protocol.

Speaks on stdin and stdout; a client starts it. Tools: memory, fit, comparison, benchmarks, recommendation,
the plans and the search of the guides, as `chat` has them; those that download or change anything are left
out. The guides, your own too, are resources, and `choose_model` is a prompt. Calculations run here. Nothing
goes over the network, unless you have set an embedder behind an API or a Chroma server for the search of the
guides; --offline leaves that out.

For a client with a configuration file (Claude Desktop, Cursor, LM Studio and others):

\b
  {"mcpServers": {"llm-advisor": {"command": "llm-advisor", "args": ["mcp"]}}}

VS Code (.vscode/mcp.json):

\b
  {"servers": {"llm-advisor": {"type": "stdio", "command": "llm-advisor", "args": ["mcp"]}}}

Claude Code:

\b
  claude mcp add llm-advisor -- llm-advisor mcp

Where the client does not find the command, give its full path (`which llm-advisor`).
"""


def _mcp() -> int:
    asked = invocation(click.get_current_context())
    if sys.stdin.isatty():
        write_note(
            "A client starts this command and speaks to it: see `llm-advisor mcp --help`. Ctrl+C ends it."
        )
    from tui.context_protocol.server import run

    return run(offline=asked.offline)


command = click.Command("mcp", callback=_mcp, help=HELP, params=common_options())
