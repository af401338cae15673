"""`memory`: the breakdown of one model."""

from __future__ import annotations

from tools.commands.memory import MemoryQuery, memory
from tui.request_command import Face, request_command
from tui.sizing_text import memory_lines

HELP = """Break down the memory of one model.

MODEL is a name, alias, hub id or Ollama tag. Without --hardware, one CUDA device that is large enough is
assumed. With --train the memory of a training run is estimated instead. Nothing goes over the network.
"""

command = request_command(
    Face(
        name="memory",
        request=MemoryQuery,
        answer=memory,
        show=memory_lines,
        help=HELP,
        positional="model",
    )
)
