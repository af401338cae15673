"""What the setting `postgres` needs, and why a database cannot be used: in words that never show its address,
which may hold a password.
"""

from __future__ import annotations

import importlib.util

CONNECT_SECONDS = 5
INSTALL = 'pip install "llm-advisor[postgres]"'
FORM = "postgresql://USER:PASSWORD@HOST:5432/NAME"
PARTS = ("psycopg", "psycopg_pool", "langgraph.checkpoint.postgres")


def is_installed() -> bool:
    """Whether the extra is there."""
    try:
        return all(importlib.util.find_spec(part) is not None for part in PARTS)
    except ModuleNotFoundError:  # the package that holds a part is missing
        return False


def reason(error: Exception, address: str) -> str:
    """Why a connection failed, in a few words without any part of the address that is secret."""
    from psycopg.conninfo import conninfo_to_dict

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = (lines[0] if lines else type(error).__name__).rsplit("failed: ", 1)[-1]
    password = conninfo_to_dict(address).get("password")
    return text.replace(str(password), "***") if password else text
