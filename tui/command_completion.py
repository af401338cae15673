"""`completion`: the script that completes commands and names in a shell."""

from __future__ import annotations

import sys

import click

from tui.invocation import common_options, invocation
from tui.output import write_json

HELP = """Print the script that completes commands, options and names when Tab is pressed.

It knows commands, options, models, accelerators, quantizations, engines, guides and saved conversations. To
have it in every new shell:

\b
  bash  mkdir -p ~/.local/share/bash-completion/completions
        llm-advisor completion bash \\
          > ~/.local/share/bash-completion/completions/llm-advisor
  zsh   mkdir -p ~/.zfunc
        llm-advisor completion zsh > ~/.zfunc/_llm-advisor
        and in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)
  fish  llm-advisor completion fish \\
          > ~/.config/fish/completions/llm-advisor.fish

For the present shell alone: eval "$(llm-advisor completion bash)". Bash has to be 4.4 or newer.
"""
NAMES = ("bash", "zsh", "fish")


def _completion(shell: str) -> int:
    from tui.completion.shells import script

    text = script(shell)
    if invocation(click.get_current_context()).as_json:
        write_json({"shell": shell, "script": text})
    else:
        sys.stdout.write(text)
    return 0


command = click.Command(
    "completion",
    callback=_completion,
    help=HELP,
    params=[click.Argument(["shell"], type=click.Choice(NAMES)), *common_options()],
)
