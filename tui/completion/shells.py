"""Click's completion of bash, zsh and fish, with the names and habits of this program."""

from __future__ import annotations

import os
import re

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from tui.cli import COMPLETION
from tui.completion.table import commands

PROGRAM = "llm-advisor"
VARIABLE = COMPLETION
COMMON = ("--json", "--offline")
_SPECIAL = re.compile(r"([\s\\'\"$`&|;<>()*?\[\]{}!#~])")


class _WithDefault(ShellComplete):
    """Where no command is named, the words are those of `chat`."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        first = next((word for word in args if word not in COMMON), None)
        if first is not None and first.startswith("-"):
            return super().get_completions(["chat", *args], incomplete)
        found = super().get_completions(args, incomplete)
        if first is None and incomplete.startswith("-"):
            known = {item.value for item in found}
            chat = super().get_completions(["chat", *args], incomplete)
            found += [item for item in chat if item.value not in known]
        return found


class Bash(_WithDefault, BashComplete):
    """Bash breaks words at colons and equals signs, and takes what it is given as it stands."""

    _before = ""
    """The part of the word that bash holds for finished: up to its last colon."""
    _quoted = False

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ["COMP_WORDS"])
        at = int(os.environ["COMP_CWORD"])
        typed = words[at] if at < len(words) else ""
        raw = os.environ["COMP_WORDS"].split("\n")
        self._quoted = bool(raw) and raw[-1][:1] in ("'", '"')
        args = _joined([*words[1:at], typed])
        self._before = args[-1].rpartition(":")[0] + ":" if ":" in args[-1] else ""
        return args[:-1], args[-1]

    def format_completion(self, item: CompletionItem[str]) -> str:
        value = item.value
        if item.type == "plain":
            value = value.removeprefix(self._before)
            # Twice: the script's `read` takes one backslash away.
            value = value if self._quoted else _SPECIAL.sub(r"\\\\\1", value)
        return f"{item.type},{value}"


def _joined(words: list[str]) -> list[str]:
    """The words with those that bash broke at `:` and `=` put together again."""
    found: list[str] = []
    broken = False
    for word in words:
        sign = bool(word) and not word.strip(":=")
        if found and (sign or broken):
            found[-1] += word
        else:
            found.append(word)
        broken = sign
    return found


class Zsh(_WithDefault, ZshComplete):
    """As click has it."""


class Fish(_WithDefault, FishComplete):
    """As click has it."""


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def script(shell: str) -> str:
    """The script that a shell reads; SHELLS are the shells."""
    return SHELLS[shell](commands(), {}, PROGRAM, VARIABLE).source()


def answer(instruction: str) -> int:
    """What the script asks for when Tab is pressed, on stdout; a shell gets no message and no traceback.

    Args:
        instruction: The value of the script's variable, such as `bash_complete`.

    Returns:
        The exit status.
    """
    shell, _, step = instruction.partition("_")
    if shell not in SHELLS or step not in ("complete", "source"):
        return 1
    try:
        complete = SHELLS[shell](commands(), {}, PROGRAM, VARIABLE)
        print(complete.source() if step == "source" else complete.complete())
    except Exception:  # a half-typed line may be anything
        return 1
    return 0
