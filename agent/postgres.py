"""Conversations in a Postgres database, for advisors on several machines: the setting `postgres`.

The extra `llm-advisor[postgres]` brings the driver. What cannot be reached leaves the conversation in memory
and is told in one sentence; the address is never shown, because it may hold a password.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from agent.store import Store, memory_store
from knowledge.postgres import CONNECT_SECONDS, FORM, INSTALL, is_installed, reason

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from psycopg import AsyncConnection
    from psycopg.rows import DictRow
    from psycopg_pool import AsyncConnectionPool

CONNECTIONS = 4
SETTING_UP = 0x6C6C6D61
"""Key of the lock under which tables are made: two that begin at once would get in each other's way."""
GOES_ON = "the conversation goes on without being saved."
REPAIR = f"Start the database or correct the setting `postgres`; until then {GOES_ON}"


class PostgresStore(Store):
    """Conversations in a database; a conversation is held by one program on any machine."""

    lasting = True
    hint = REPAIR

    def __init__(
        self,
        saver: BaseCheckpointSaver[Any],
        pool: AsyncConnectionPool[AsyncConnection[DictRow]],
        address: str,
    ) -> None:
        import psycopg

        super().__init__(saver, None)
        self.errors = (psycopg.Error,)
        self._pool = pool
        self._address = address
        self._holding: AsyncConnection[Any] | None = None

    async def hold(self, thread: str) -> bool:
        """Takes the conversation's lock in the database, which lets go of it when the program ends."""
        import psycopg

        asks = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        try:
            self._holding = await psycopg.AsyncConnection.connect(
                self._address, autocommit=True, connect_timeout=CONNECT_SECONDS
            )
            taken = await (await self._holding.execute(asks, (thread,))).fetchone()
        except psycopg.Error:
            return True  # the database has gone since it was opened; the first turn says so
        return taken is not None and bool(taken[0])

    async def forget_old(self, thread: str) -> None:
        await self.saver.aprune([thread], strategy="keep_latest")

    async def close(self) -> None:
        if self._holding is not None:
            await self._holding.close()
        await self._pool.close()


async def open_postgres(address: str) -> Store:
    """Opens the database at `address` (a URL or `key=value` words), or the next best thing."""
    if not is_installed():
        return memory_store(
            "the setting `postgres` needs an extra package", f"Run {INSTALL}; until then {GOES_ON}"
        )
    import psycopg

    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # it is said in a sentence
    try:
        return await _opened(address)
    except psycopg.ProgrammingError:
        # Its text repeats the address.
        return memory_store(
            "the setting `postgres` is no address of a database",
            f"It reads {FORM}; until then {GOES_ON}",
        )
    except (psycopg.Error, OSError) as error:
        return memory_store(
            f"the Postgres database cannot be used ({reason(error, address)})",
            REPAIR,
        )


async def _opened(address: str) -> Store:
    import psycopg
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    # Beside the pool, whose errors say only that it took too long.
    async with await psycopg.AsyncConnection.connect(
        address, autocommit=True, connect_timeout=CONNECT_SECONDS
    ) as first:
        pool = cast(
            "AsyncConnectionPool[AsyncConnection[DictRow]]",
            AsyncConnectionPool(
                address,
                kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_SECONDS,
                check=AsyncConnectionPool.check_connection,
                open=False,
            ),
        )
        await pool.open()
        try:
            saver = AsyncPostgresSaver(pool)
            await first.execute("SELECT pg_advisory_lock(%s)", (SETTING_UP,))
            await saver.setup()
        except BaseException:
            await pool.close()
            raise
    return PostgresStore(saver, pool, address)
