"""`doctor`: what is set up, what is missing."""

from __future__ import annotations

import click

from tools.commands.doctor import doctor
from tools.commands.doctor_report import report_document, report_text
from tui.invocation import common_options, invocation
from tui.output import bold, wrapped, write_error, write_json, write_lines

HELP = """Show what is set up and what is missing, with the next step.

Asks whether an Ollama server answers at OLLAMA_HOST (by default this machine's port 11434), and the database
of the setting `postgres` where there is one, unless --offline is given; nothing else goes over the network.

--report prints one page for a bug report: versions, hardware, what was measured here, how old the facts are,
the guide index, and how many errors of which kind the logs hold. It is made of numbers and of words of the
program alone: no key, path, host, name of yours or message is in it.
"""
MARKS = {"ok": "ok", "warning": "warning", "missing": "MISSING", "skipped": "skipped"}


def _doctor(report_only: bool) -> int:
    asked = invocation(click.get_current_context())
    document = doctor(offline=asked.offline)
    if report_only:
        page = report_document(document, offline=asked.offline)
        text = report_text(page)
        if asked.as_json:
            write_json({**page, "report": text})
        else:
            write_lines(text.split("\n"))
    elif asked.as_json:
        write_json(document)
    else:
        for check in document["checks"]:
            mark = f"{MARKS[check['state']]:8}{check['name']}: "
            write_lines(wrapped(check["found"], indent=" " * 8, first=mark))
            if check["next_step"]:
                write_lines(wrapped(check["next_step"], indent=" " * 10, first=" " * 8 + "> "))
        write_lines(["", bold("Ready to use." if document["usable"] else "Not ready yet.")])
        if "error" in document:
            write_error(document["error"])
    return 0 if document["usable"] else 1


command = click.Command(
    "doctor",
    callback=_doctor,
    help=HELP,
    params=[
        click.Option(["--report", "report_only"], is_flag=True, help="Print a text for a bug report."),
        *common_options(),
    ],
)
