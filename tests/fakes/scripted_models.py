"""Language models of three strengths, as scripts over the wire: good, mediocre and terrible."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from agent.understanding import understand
from tests.fakes.model_script import Call, Reply, Say, words
from tools.needs import Needs

Document = dict[str, Any]
Strength = Callable[[Document], Reply]
_MESSAGE = "The message, as JSON text:\n"
_WORDS = (
    *("zebra", "quantum", "4090", "the", "is", "$12.99", "{}", "GiB", "```", "[7]", "Llama-9-900B", "run"),
    *("`rm", "-rf", "/`", "perhaps", "999", "tokens", "per", "second", "MIT", "license", "null", "</think>"),
    *("<tool_call>", "\u6587\u5b57", "true", "because", "3.14159", "ollama", "pull", "nonsense"),
)


def _asked(body: Document) -> str:
    """What a request wants: `read`, `call` (tools are there), `answer` or `word`."""
    messages = body["messages"]
    if str(messages[0]["content"]).startswith("You read messages"):
        return "read"
    if "tools" in body and messages[-1]["role"] != "tool":
        return "call"
    return "word" if "You word the messages" in str(messages[0]["content"]) else "answer"


def _draft(body: Document) -> str:
    request = str(body["messages"][1]["content"])
    return request.partition("Draft:\n")[2].partition("\n\nFacts:")[0]


def _said(body: Document) -> str:
    text = str(body["messages"][1]["content"]).partition(_MESSAGE)[2]
    return str(json.loads(text))


def _reading(message: str) -> Document:
    """What a careful reader reports of a message."""
    read = understand(message, Needs())
    document: Document = {"intent": "needs"}
    for slot, said in read.updates.items():
        value = said.value
        plain = {
            "task": "name",
            "deployment": "mode",
            "hardware": "text",
            "license": "use",
            "training": "method",
        }
        if slot in plain:
            value = getattr(value, plain[slot])
        elif slot not in ("context", "priority", "min_speed", "concurrency", "languages", "features"):
            continue
        document[slot] = {"value": value, "quote": said.quote}
    return document


def good(body: Document) -> Reply:
    """Reads with care, looks up what is asked, and says what the draft says."""
    asked = _asked(body)
    if asked == "read":
        return words(json.dumps(_reading(_said(body)), ensure_ascii=False))
    if asked == "call":
        question = str(body["messages"][1]["content"]).partition("The person asks: ")[2].splitlines()[0]
        return [Call("search_guides", {"query": question[:300]})]
    return words(_draft(body))


def mediocre(body: Document) -> Reply:
    """Wrong types, calls that are not there or not right, and now and then a number of its own."""
    asked, dice = _asked(body), random.Random(json.dumps(body, sort_keys=True))
    if asked == "read":
        document = _reading(_said(body))
        for name in list(document):
            if isinstance(document[name], dict):
                document[name]["value"] = str(document[name]["value"])
        document["context"] = {"value": "about 9000", "quote": "a long context"}
        document["budget"] = 100
        return words(json.dumps(document, ensure_ascii=False)[: None if dice.random() < 0.7 else -7])
    if asked == "call":
        wrong = Call("searchGuides", {"query": ["memory"], "k": "3"})
        return dice.choice([[wrong], [Call("lookup", {})], words(_draft(body)), []])
    draft = _draft(body)
    if dice.random() < 0.5:
        draft = (
            re.sub(r"\d+\.\d", lambda m: f"{float(m[0]) + 1.7:.1f}", draft, count=1) + " It costs about $7."
        )
    return words(draft)


def terrible(body: Document) -> Reply:
    """Random text, whatever is asked."""
    dice = random.Random(json.dumps(body, sort_keys=True))
    if dice.random() < 0.2:
        return [Call(dice.choice(_WORDS), {"x": dice.choice(_WORDS)})] if "tools" in body else []
    return [Say(f"{dice.choice(_WORDS)} ") for _ in range(dice.randint(1, 60))]


STRENGTHS: dict[str, Strength] = {"good": good, "mediocre": mediocre, "terrible": terrible}
