"""The one place that imports LiteLLM: late and quiet.

LiteLLM takes 2 to 3 seconds to import, prints banners on errors, and fetches a price map at import.
"""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai", "httpx", "aiohttp")


def import_quietly() -> Any:  # noqa: ANN401 - LiteLLM has no types
    """LiteLLM, silenced. Takes seconds: call it in a thread or in a process of its own."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the price map is fetched at import
    silence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.callbacks = []
    silence()
    return litellm


def silence() -> None:
    """Turns off what LiteLLM and its clients log; a message may hold a key. Imports turn it on again."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
