"""`sessions rename` and `sessions delete`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from agent.sessions import (
    SessionDelete,
    SessionQuery,
    SessionRename,
    delete_session,
    rename_session,
    show_session,
)
from knowledge.errors import UsageError
from tui.invocation import invocation
from tui.output import wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

Document = dict[str, Any]


def _renamed(document: Mapping[str, Any], why: bool) -> list[str]:
    return wrapped(
        clean(f"\u201c{document['renamed']}\u201d is now \u201c{document['name']}\u201d.", one_line=True)
    )


def _deleted(document: Mapping[str, Any], why: bool) -> list[str]:
    name = clean(document.get("deleted") or document["kept"], one_line=True)
    return wrapped(f"\u201c{name}\u201d is " + ("deleted." if "deleted" in document else "kept."))


def _delete(query: SessionDelete) -> Document:
    """Deletes it once the person said so.

    Raises:
        UsageError: nobody can be asked.
    """
    asked = invocation(click.get_current_context())
    if not query.yes:
        if asked.as_json or not sys.stdin.isatty():
            raise UsageError(
                "A conversation is deleted for good.", hint="Add --yes to delete it without being asked."
            )
        document = show_session(SessionQuery(name=query.name), offline=asked.offline)
        said = sum(one["role"] == "user" for one in document["messages"])
        name = clean(query.name, one_line=True)
        if not click.confirm(f"Delete \u201c{name}\u201d ({said} messages of yours) for good?", err=True):
            return {"kept": query.name}
    return delete_session(query, offline=asked.offline)


rename = request_command(
    Face(
        name="rename",
        request=SessionRename,
        answer=lambda query: rename_session(query, offline=invocation(click.get_current_context()).offline),
        show=_renamed,
        help="Give a conversation another name.",
        positional="name",
        second="new_name",
        why=False,
        stdin=False,
    )
)
delete = request_command(
    Face(
        name="delete",
        request=SessionDelete,
        answer=_delete,
        show=_deleted,
        help="Remove a conversation with all its branches, for good; asks first.",
        positional="name",
        why=False,
        stdin=False,
    )
)
