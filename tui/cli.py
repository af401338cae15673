"""The command line `llm-advisor`: which command runs, and how errors become a sentence and an exit status.

Nothing here imports more than click; each command's module is imported when it is called.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence

import click

from knowledge.errors import AdvisorError, UsageError
from tui.glyphs import ASCII, UNICODE, use, wants_ascii
from tui.invocation import LazyGroup
from tui.output import use_utf8, write_error, write_json

INTERRUPTED = 130
CHAT = "chat"
COMPLETION = "_LLM_ADVISOR_COMPLETE"
"""Set by the script of `completion` when Tab is pressed."""
COMMANDS = {
    CHAT: ("tui.command_chat:command", "Talk, and end with a recommendation (the default)."),
    "recommend": ("tui.command_recommend:command", "The same decision without a conversation."),
    "memory": ("tui.command_memory:command", "Memory of one model, in use or in training."),
    "fit": ("tui.command_fit:command", "Whether a model fits a machine, and how best."),
    "compare": ("tui.command_facts:compare", "Models side by side."),
    "benchmarks": ("tui.command_facts:benchmarks", "Published scores of a model, with source and date."),
    "bench": ("tui.command_bench:command", "Measure a running model: first token, speed, memory."),
    "evaluate": ("tui.command_evaluate:command", "Your own scenarios over models: pass rate, differences."),
    "accuracy": ("tui.command_accuracy:command", "How far its figures are from published measurements."),
    "plan": ("tui.command_plan:command", "Token budgets, fine-tuning, pretraining, cost, stacks, migration."),
    "search": ("tui.command_search:command", "Passages of the guides, with file, heading and lines."),
    "guides": (
        "tui.command_guides:command",
        "The guides it reads: shipped, and your own.",
    ),
    "sessions": (
        "tui.command_sessions:command",
        "The saved conversations: list, show, rename, export, delete.",
    ),
    "models": ("tui.command_facts:models", "The models that it knows."),
    "gpus": ("tui.command_facts:gpus", "The accelerators that it knows."),
    "hardware": ("tui.command_facts:hardware", "What this machine has."),
    "doctor": ("tui.command_doctor:command", "What is set up, what is missing, and the next step."),
    "serve": ("tui.command_serve:command", "The chat's screen in a browser."),
    "mcp": ("tui.command_mcp:command", "The tools and the guides, for other programs (MCP)."),
    "completion": ("tui.command_completion:command", "Completion of commands and names in your shell."),
}
HELP = """Find the language model to run, fine-tune, train or call, on your hardware and under your license.

Without a command it opens the chat. Nothing goes over the network unless a command's help says so.
"""
EPILOG = "Exit status: 0 done, 1 no answer, 2 wrong usage, 3 a service cannot be reached, 130 interrupted."


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"llm-advisor {version('llm-advisor')}")
        ctx.exit()


def group() -> LazyGroup:
    """The whole command tree; nothing below it is imported yet."""
    root = LazyGroup(
        "llm-advisor",
        COMMANDS,
        help=HELP,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    root.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        )
    )
    return root


def with_default_command(argv: Sequence[str]) -> list[str]:
    """Puts `chat` where no command is named: `llm-advisor --plain` is `llm-advisor chat --plain`."""
    words = list(argv)
    at = 0
    while at < len(words) and words[at] in ("--json", "--offline"):
        at += 1
    if at == len(words) or (words[at].startswith("-") and words[at] not in ("-h", "--help", "--version")):
        words.insert(at, CHAT)
    return words


def _run(argv: Sequence[str]) -> int:
    """Runs the command; the exit status it returns, or 0."""
    try:
        with group().make_context("llm-advisor", with_default_command(argv)) as ctx:
            status = ctx.command.invoke(ctx)
            return status if isinstance(status, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "llm-advisor"
        raise UsageError(error.format_message(), hint=f"See `{path} --help`.") from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None


def _report(error: AdvisorError, as_json: bool) -> int:
    if as_json:
        write_json({"error": error.as_json()})
    else:
        write_error(error.as_json())
    return error.exit_status


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one call of the program.

    Args:
        argv: The words after the program's name; those of the process where None.

    Returns:
        The exit status: 0 done, 1 no answer, 2 wrong usage, 3 a service cannot be reached, 130 interrupted.
    """
    if argv is None and COMPLETION in os.environ:
        from tui.completion.shells import answer

        return answer(os.environ[COMPLETION])
    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    as_json = "--json" in options
    # A call makes a great many objects and frees few; seldom collecting saves a tenth of its time.
    gc.set_threshold(100_000, 50, 50)
    use_utf8()
    use(ASCII if wants_ascii() else UNICODE)
    try:
        try:
            status = _run(words)
        except AdvisorError as error:
            status = _report(error, as_json)
        except BrokenPipeError:
            raise
        except Exception as error:
            from tui.error_log import unexpected

            status = _report(unexpected(error), as_json)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; the interpreter must not complain when it flushes at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
