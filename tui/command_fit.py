"""`fit`: a model on a machine."""

from __future__ import annotations

from tools.commands.fit import FitQuery, fit
from tui.request_command import Face, request_command
from tui.sizing_text import fit_lines

HELP = """Say whether a model fits a machine, and how best.

What is given with an option is kept; quantization, context, engine and device split are chosen otherwise.
Without --hardware it is this machine. Nothing goes over the network.
"""

command = request_command(
    Face(name="fit", request=FitQuery, answer=fit, show=fit_lines, help=HELP, positional="model")
)
