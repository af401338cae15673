"""`fit`: a model on a machine."""

from __future__ import annotations

from tools.commands.fit import FitQuery, fit
from tui.fit_lists_text import lines_of
from tui.request_command import Face, request_command

HELP = """Say whether a model fits a machine, and how best.

What is given with an option is kept; quantization, context, engine and device split are chosen otherwise.
Without --hardware it is this machine. Without MODEL the largest models that fit are listed; with
--find-hardware the hardware that MODEL needs. Nothing goes over the network.
"""

command = request_command(
    Face(name="fit", request=FitQuery, answer=fit, show=lines_of, help=HELP, positional="model")
)
