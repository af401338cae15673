"""Everything that can be done in the chat: its key, its typed command, its words, and when.

Keys, palette and typed commands come from this one table; the chat has a method `action_NAME` for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from textual.binding import Binding

Condition = Literal["", "running", "said", "answered", "branched", "question", "simulated"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done."""

    name: str
    title: str
    """In the palette."""
    help: str
    key: str = ""
    typed: str = ""
    """The command in the composer, with its slash."""
    takes: str = ""
    """What the command takes, in words; in brackets where it may be left out."""
    when: Condition = ""
    """What the conversation must be like; empty where it is always possible."""
    priority: bool = False
    """The key means this also where a text field would take it."""
    listed: bool = True
    """Whether the palette lists it."""
    others: tuple[str, ...] = ()
    """Other spellings of the command."""


ACTIONS = (
    Action("stop", "Stop", "Stop the running answer; what came is kept", "escape", when="running"),
    Action("recommend", "Recommend now", "With assumptions for what is not known", "ctrl+r", "/recommend"),
    Action("needs", "Needs", "Show or fold the panel, and change a need there", "f2", "/needs"),
    Action(
        "change",
        "Change a need",
        "Its value is read as you write it",
        "",
        "/change",
        "NEED VALUE",
        listed=False,
    ),
    Action("hardware", "Hardware", "Reckon with another machine", "", "/hardware", "[MACHINE]"),
    Action(
        "here", "Use this machine", "Reckon with this machine again", "", "/this-machine", when="simulated"
    ),
    Action(
        "answer",
        "Go to the recommendation",
        "And open its sources by digit",
        "f3",
        "/answer",
        when="answered",
    ),
    Action(
        "pictures",
        "Pictures",
        "Memory, speed, quality, score and cost, drawn",
        "f7",
        "/pictures",
        "[MODEL]",
        priority=True,
    ),
    Action(
        "compare", "Compare", "Models side by side, the best of each line marked", "", "/compare", "[MODELS]"
    ),
    Action("card", "Model card", "Facts, scores, license and memory of a model", "", "/card", "[MODEL]"),
    Action(
        "evidence", "Evidence", "What was computed and looked up, with inputs", "f9", "/evidence", when="said"
    ),
    Action("jump(-1)", "Previous answer", "Go to the answer before", "alt+up", when="said"),
    Action("jump(1)", "Next answer", "Go to the answer after", "alt+down", when="said"),
    Action("copy", "Copy the recommendation", "As Markdown", "", "/copy", when="answered"),
    Action("copy_command", "Copy a command", "Of the option shown", "", when="answered"),
    Action(
        "export", "Export the conversation", "As .md, .json or .html", "", "/export", "[FILE]", when="said"
    ),
    Action(
        "undo",
        "Take back",
        "The last answer, with what you said",
        "f4",
        "/undo",
        when="said",
        others=("undo",),
    ),
    Action("branch", "Branch", "Go aside for a what-if", "f5", "/branch", "NAME", when="said"),
    Action(
        "return",
        "Return",
        "From the branch to where it began",
        "f6",
        "/return",
        when="branched",
        priority=True,
    ),
    Action(
        "measure",
        "Measure",
        "How fast the first options are on this machine",
        "",
        "/bench",
        when="answered",
        others=("/measure",),
    ),
    Action("sessions", "Conversations", "Open, rename, export or delete one", "ctrl+o", "/sessions"),
    Action("new", "New conversation", "This one is saved", "", "/new"),
    Action("model", "Model", "Who words the answers", "f8", "/model", "[NAME]"),
    Action("pull", "Download a model", "Into Ollama, after a yes", "", "/pull", "NAME", listed=False),
    Action("cost", "Cost", "What the conversation cost so far", "", "/cost"),
    Action("setup", "Set-up", "What was found here: hardware, Ollama, keys", "", "/setup"),
    Action("settings", "Settings", "What is set, and where it comes from", "", "/settings"),
    Action("theme", "Theme", "Other colors", "", "/theme"),
    Action("log", "Log", "What was logged, with details of problems", "ctrl+l", "/log", priority=True),
    Action("help", "Help", "What the keys do here", "f1", "/help", others=("/?", "help")),
    Action(
        "leave",
        "Quit",
        "The conversation is saved",
        "ctrl+d",
        "/quit",
        others=("/exit", "quit", "exit", ":q"),
    ),
)
"""In the order of the palette."""
HIDDEN_KEYS = (
    # After `stop`, which takes the key while something runs.
    Binding("escape", "write", "Back to typing", show=False),
    Binding("pageup", "page(-1)", show=False),
    Binding("pagedown", "page(1)", show=False),
)
"""Keys that are no action of the palette."""
BARE = ("pictures", "compare", "evidence", "export", "sessions", "settings", "setup")
"""Commands that are also understood without their slash, while no question waits for an answer."""
IN_FOOTER = ("stop", "help")


def bindings() -> list[Binding]:
    """The keys of the chat."""
    made = [
        Binding(
            one.key,
            f"offer({one.name!r})" if one.when and one.name not in IN_FOOTER else one.name,
            one.title,
            show=one.name in IN_FOOTER,
            priority=one.priority,
            tooltip=one.help,
        )
        for one in ACTIONS
        if one.key
    ]
    return [*made, *HIDDEN_KEYS]


def typed_action(text: str) -> tuple[Action, str] | None:
    """The action that a typed line names, and what follows it; None where it names none."""
    command, _, argument = text.strip().partition(" ")
    argument = argument.strip()
    for one in ACTIONS:
        if command.lower() in (one.typed, *one.others) and command and (one.takes or not argument):
            return one, argument
    return None


def bare_action(text: str) -> Action | None:
    """The action that a single word without its slash names, where the word can hardly mean anything else."""
    word = text.strip(" .!").lower()
    return next((one for one in ACTIONS if one.name == word and word in BARE), None)


def completions(text: str) -> list[Action]:
    """The actions whose typed command begins like the text; none where it is no beginning of a command."""
    start = text.lower()
    if not start.startswith("/") or len(start.split()) != 1 or start != start.rstrip():
        return []
    found = [one for one in ACTIONS if one.typed.startswith(start)]
    return [] if [one.typed for one in found] == [start] else found


def unknown_command(text: str) -> str:
    """What to say of a typed line that names no command: in one short line, as a small screen shows it."""
    named = text.split()[0]
    exact = next((one for one in ACTIONS if named.lower() in (one.typed, *one.others)), None)
    if exact is not None:
        return f"{exact.typed} takes nothing behind it"
    known = [one.typed for one in ACTIONS if one.typed]
    near = get_close_matches(named.lower(), known, 1, 0.5)
    help_words = f"did you mean {near[0]}?" if near else "/ lists them all"
    return f"No command {named[:20]}: {help_words}"
