"""The guides as resources: each a Markdown text under an address of its own."""

from __future__ import annotations

from urllib.parse import quote, unquote

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ReadResourceResult, Resource, TextResourceContents

from knowledge.corpus import Guide
from knowledge.guide_set import all_guides, guide_named
from knowledge.home import home

SCHEME = "guide:///"
MARKDOWN = "text/markdown"


def address(file: str) -> str:
    """The address of a guide: `guide:///quantization.md`."""
    return SCHEME + quote(file)


def listed() -> list[Resource]:
    """The shipped guides and the person's own."""
    return [_shown(guide) for guide in all_guides(home())]


def _shown(guide: Guide) -> Resource:
    facts = [guide.scope, f"Facts as of {guide.as_of}." if guide.as_of else "", guide.provenance or ""]
    return Resource(
        uri=address(guide.file),
        name=guide.file,
        title=guide.title,
        description=" ".join(fact for fact in facts if fact),
        mime_type=MARKDOWN,
        size=len(_text(guide).encode("utf-8", "replace")),
    )


def _text(guide: Guide) -> str:
    """The file as it is, so that the lines of a citation are lines of this text."""
    return "\n".join(guide.lines) + "\n"


def read(uri: str) -> ReadResourceResult:
    """A whole guide.

    Raises:
        MCPError: There is none at this address.
    """
    guide = guide_named(home(), unquote(uri.removeprefix(SCHEME))) if uri.startswith(SCHEME) else None
    if guide is None:
        raise MCPError(
            INVALID_PARAMS,
            f"There is no guide at `{uri[:200]}`. resources/list names them all.",
            {"uri": uri[:200]},
        )
    text = _text(guide).encode("utf-8", "replace").decode("utf-8")
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=MARKDOWN, text=text)])
