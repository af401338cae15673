"""`memory` and `fit`."""

from __future__ import annotations

from tools.commands.fit import FitQuery
from tools.commands.fit import fit as answer_fit
from tools.commands.memory import MemoryQuery
from tools.commands.memory import memory as answer_memory
from tui.request_command import Face, request_command
from tui.sizing_text import fit_lines, memory_lines

MEMORY_HELP = """Break down the memory of one model.

MODEL is a name, alias, hub id or Ollama tag. Without --hardware, one CUDA device that is large enough is
assumed. With --train the memory of a training run is estimated instead. Nothing goes over the network.
"""
FIT_HELP = """Say whether a model fits a machine, and how best.

What is given with an option is kept; quantization, context, engine and device split are chosen otherwise.
Without --hardware it is this machine. Nothing goes over the network.
"""

memory = request_command(
    Face(
        name="memory",
        request=MemoryQuery,
        answer=answer_memory,
        show=memory_lines,
        help=MEMORY_HELP,
        positional="model",
    )
)
fit = request_command(
    Face(name="fit", request=FitQuery, answer=answer_fit, show=fit_lines, help=FIT_HELP, positional="model")
)
