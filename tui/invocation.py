"""What holds for one call of the program: JSON or text, offline or not; and the options that say so."""

from __future__ import annotations

from dataclasses import dataclass

import click

from knowledge.errors import UsageError


@dataclass(slots=True)
class Invocation:
    """The options that every command takes, before or after its name."""

    as_json: bool = False
    offline: bool = False


def invocation(ctx: click.Context) -> Invocation:
    """The one of this call."""
    found = ctx.find_root().ensure_object(Invocation)
    assert isinstance(found, Invocation)
    return found


def _flag(name: str, attribute: str, description: str) -> click.Option:
    def remember(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            setattr(invocation(ctx), attribute, True)

    return click.Option(
        [name], is_flag=True, expose_value=False, is_eager=True, callback=remember, help=description
    )


def common_options() -> list[click.Parameter]:
    """`--json` and `--offline`, which every command and group accepts."""
    return [
        _flag("--json", "as_json", "Print one JSON document on stdout and nothing else."),
        _flag("--offline", "offline", "Forbid any use of the network."),
    ]


def nearest_hint(word: str, known: list[str]) -> str:
    """`Did you mean ...?`, or the list of what there is."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else "There is: " + ", ".join(known) + "."


class LazyGroup(click.Group):
    """A group whose commands are imported only when one is called; its help page imports none.

    `table` maps a name to `module:attribute` and the line of the help page.
    """

    def __init__(self, name: str, table: dict[str, tuple[str, str]], **settings: object) -> None:
        super().__init__(name, params=common_options(), **settings)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        import importlib

        module, attribute = self.table[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table:
            hint = nearest_hint(args[0], list(self.table))
            raise UsageError(f"There is no command `{args[0][:60]}`.", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])
