"""Where conversations are kept: LangGraph checkpoints in one SQLite file of the state folder.

A file that cannot be read is set aside, never overwritten; a folder that cannot be written leaves the
conversation in memory. Both are said in one sentence.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.events import Failure
from knowledge.home import SESSIONS
from knowledge.settings import load_settings

if TYPE_CHECKING:
    import aiosqlite
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.memory import InMemorySaver

BUSY_SECONDS = 30.0
"""How long a write waits for those of other conversations."""


NOT_SAVED = (
    "Set LLM_ADVISOR_HOME to a folder that can be written; the conversation goes on without being saved."
)


class Store:
    """Conversations in memory, which forgets them at the end of the program; the base of the lasting ones."""

    errors: tuple[type[Exception], ...] = ()
    """What a store that failed raises."""
    lasting = False
    hint = NOT_SAVED
    """The next step where it failed."""

    def __init__(self, saver: BaseCheckpointSaver[Any], notice: Failure | None) -> None:
        self.saver = saver
        self.notice = notice
        """What must be told about it."""

    async def hold(self, thread: str) -> bool:
        """Whether nobody on another machine has the conversation open; then it is held until `close`."""
        return True

    async def forget_old(self, thread: str) -> None:
        """Drops the checkpoints of earlier turns: one is enough to go on from, and to go back."""
        saver = cast("InMemorySaver", self.saver)
        for namespace, kept in saver.storage.get(thread, {}).items():
            newest = max(kept)
            found = await saver.aget_tuple(
                {"configurable": {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": newest}}
            )
            assert found is not None
            versions = found.checkpoint["channel_versions"]
            for old in [one for one in kept if one != newest]:
                del kept[old]
                saver.writes.pop((thread, namespace, old), None)
            for key in [key for key in saver.blobs if key[:2] == (thread, namespace)]:
                if versions.get(key[2]) != key[3]:
                    del saver.blobs[key]

    async def delete(self, thread: str) -> None:
        """Removes a conversation."""
        await self.saver.adelete_thread(thread)

    async def close(self) -> None:
        """Lets go of files and connections."""


class SqliteStore(Store):
    """Conversations in the file of the state folder."""

    errors = (sqlite3.Error,)
    lasting = True

    def __init__(
        self, saver: BaseCheckpointSaver[Any], notice: Failure | None, connection: aiosqlite.Connection
    ) -> None:
        super().__init__(saver, notice)
        self.connection = connection

    async def forget_old(self, thread: str) -> None:
        newest = "SELECT MAX(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        for table in ("writes", "checkpoints"):
            await self.connection.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ({newest})", (thread, thread)
            )
        await self.connection.commit()

    async def delete(self, thread: str) -> None:
        """Removes a conversation; what it said does not stay in free pages of the file either."""
        await super().delete(thread)
        with suppress(sqlite3.Error):  # another process writes: its pages are used again sooner or later
            await self.connection.execute("VACUUM")
            await self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await self.connection.close()


def memory_store(reason: str, hint: str = NOT_SAVED) -> Store:
    """A store that forgets at the end of the program, with the reason why and the next step."""
    from langgraph.checkpoint.memory import InMemorySaver

    notice = Failure("state", f"This conversation cannot be saved: {reason}.", hint)
    return Store(InMemorySaver(), notice)


def _set_aside(path: Path) -> str:
    """Renames a damaged file (with SQLite's side files) and gives the new name."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside.name


def _damaged(path: Path) -> bool:
    """Whether an existing file is no sound SQLite database."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS) as connection:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok"
    except sqlite3.OperationalError:
        return False  # locked or unreadable for now: not damaged
    except sqlite3.DatabaseError:
        return True


def _prepared(home: Path, path: Path) -> str | None:
    """Makes the folder and sets a damaged file aside; its new name, or None where all is well."""
    home.mkdir(parents=True, exist_ok=True)
    return _set_aside(path) if _damaged(path) else None


async def open_store(home: Path, *, offline: bool = False) -> Store:
    """Opens the database of the settings, else the sessions file, or the next best thing.

    Args:
        home: state folder.
        offline: opens no connection to a database, also none on this machine.

    Raises:
        UsageError: the settings cannot be read.
    """
    postgres = (await asyncio.to_thread(load_settings)).postgres
    if postgres is not None:
        if offline:
            return memory_store(
                "it is kept in a Postgres database, and --offline opens no connection",
                "Leave --offline away, or remove the setting `postgres`.",
            )
        from agent.postgres import open_postgres

        return await open_postgres(postgres.get_secret_value())
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    path, notice = home / SESSIONS, None
    try:
        name = await asyncio.to_thread(_prepared, home, path)
        if name is not None:
            notice = Failure(
                "state",
                f"The file of earlier conversations is damaged; it is set aside as {name}; a new one begins.",
                "Nothing of it was deleted.",
            )
        opening = aiosqlite.connect(path, timeout=BUSY_SECONDS)
        opening._thread.daemon = True  # else the end of the program waits for one that an error left open
        connection = await opening
    except (OSError, sqlite3.Error) as error:
        return memory_store(_plain(error))
    try:
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        # With the write-ahead log, a killed process loses nothing either way; waiting for the disk at every
        # step would slow down conversations beside each other.
        await connection.execute("PRAGMA synchronous = NORMAL")
        await connection.execute("CREATE TABLE IF NOT EXISTS write_probe (x INTEGER)")
        await connection.commit()
    except sqlite3.Error as error:
        await connection.close()
        return memory_store(_plain(error))
    return SqliteStore(saver, notice, connection)


def _plain(error: Exception) -> str:
    """An error as part of a sentence, without a path."""
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return str(error).rstrip(".").lower()
