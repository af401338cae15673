"""`sessions`: what is saved, shown, renamed, exported and deleted.

`offline` opens no connection to a database that holds the conversations.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from agent.migrations import migrated
from agent.saved import held, open_archive
from agent.state import State, needs_of
from agent.timeline import MAIN, branch_of, branches_of
from agent.transcript import transcript
from knowledge.errors import NoAnswerError, UsageError
from knowledge.home import home
from tools.commands.requests import Name, Request

Document = dict[str, Any]
NAME = re.compile(r"[\w.\- ]{1,64}")
NAME_RULE = "A session name holds up to 64 letters, digits, spaces, dots, dashes and underscores."
MODELS_SHOWN = 3


class SessionsQuery(Request):
    """Request of `sessions list`."""


class SessionQuery(Request):
    """Request of `sessions show`."""

    name: Name = Field(description="the conversation")


class SessionExport(SessionQuery):
    """Request of `sessions export`."""

    format: Literal["markdown", "json", "html"] | None = Field(
        None, description="markdown, json or html; otherwise as the file's name ends, or markdown"
    )
    output: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None,
        description="the file to write, or - for the screen; otherwise a new file in the current folder",
        json_schema_extra={"metavar": "FILE"},
    )


class SessionRename(SessionQuery):
    """Request of `sessions rename`."""

    new_name: Name = Field(description="its new name")


class SessionDelete(SessionQuery):
    """Request of `sessions delete`."""

    yes: bool = Field(False, description="delete without asking")


def checked_name(name: str) -> str:
    """A name for a conversation, without spaces around it.

    Raises:
        UsageError: it is empty, too long, or holds other signs.
    """
    if not name.strip() or not NAME.fullmatch(name.strip()):
        raise UsageError(NAME_RULE, hint="For example --session work.")
    return name.strip()


def list_sessions(query: SessionsQuery, *, offline: bool = False) -> Document:
    """Every conversation, the one that changed last first."""

    async def read() -> list[Document]:
        async with open_archive(home(), offline=offline) as archive:
            return [_listed(name, *saved) for name, saved in (await archive.values()).items()]

    return {"sessions": asyncio.run(read())}


def _listed(name: str, values: dict[str, Any], changed: str) -> Document:
    try:
        state = migrated(values)
    except NoAnswerError as error:
        return {"name": name, "changed": changed, "problem": error.message}
    messages = state.get("messages", [])
    return {
        "name": name,
        "changed": changed,
        "started": messages[0].get("at") if messages else None,
        "said": sum(message["role"] == "user" for message in messages),
        "first": next((message["text"][:200] for message in messages if message["role"] == "user"), ""),
        "needs": needs_of(state).as_json(),
        "recommended": state.get("last", [])[:MODELS_SHOWN],
        "branch": branch_of(state) or MAIN,
        "branches": branches_of(state),
    }


async def _state(name: str, offline: bool) -> State:
    async with open_archive(home(), offline=offline) as archive:
        return await archive.state(name)


def show_session(query: SessionQuery, *, offline: bool = False) -> Document:
    """A conversation as one document, see `agent.transcript`.

    Raises:
        UnknownNameError: there is none of that name.
        NoAnswerError: a newer program saved it.
    """
    return transcript(query.name, asyncio.run(_state(query.name, offline)))


def rename_session(query: SessionRename, *, offline: bool = False) -> Document:
    """Gives a conversation another name.

    Raises:
        UsageError: the new name is taken, or none.
        UnknownNameError: there is none of the old name.
        NoAnswerError: it is open somewhere, or a newer program saved it.
    """
    new = checked_name(query.new_name)

    async def rename() -> None:
        async with open_archive(home(), offline=offline) as archive:
            await archive.rename(query.name, new)

    with held(home(), *dict.fromkeys((query.name, new))):
        asyncio.run(rename())
    return {"renamed": query.name, "name": new}


def delete_session(query: SessionDelete, *, offline: bool = False) -> Document:
    """Removes a conversation with all its branches.

    Raises:
        UnknownNameError: there is none of that name.
        NoAnswerError: it is open somewhere.
    """

    async def delete() -> None:
        async with open_archive(home(), offline=offline) as archive:
            await archive.delete(query.name)

    with held(home(), query.name):
        asyncio.run(delete())
    return {"deleted": query.name}
