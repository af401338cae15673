"""Weights in several files: which file names belong together, and one header out of several."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.errors import UsageError
from tools.introspect.gguf_header import GgufHeader, broken

MAX_SHARDS = 999
_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)


def shard_names(name: str) -> list[str]:
    """All file names of a sharded model, of which `name` is one; only `name` where it is no shard.

    They are built from the name that was given, never taken from a file's content.

    Raises:
        UsageError: numbers that make no sense.
    """
    found = _SHARD.fullmatch(name)
    if found is None:
        return [name]
    count = int(found["count"])
    if not 1 <= int(found["number"]) <= count <= MAX_SHARDS:
        raise UsageError(
            f"`{name[-80:]}` is not one of {count} parts.", hint="Give the first part, ...-00001-of-..."
        )
    return [f"{found['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]


def shard_stem(name: str) -> str:
    """A file name without its ending and without the number of the part."""
    found = _SHARD.fullmatch(name)
    return found["stem"] if found is not None else re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE)


def joined(parts: Sequence[GgufHeader]) -> GgufHeader:
    """One header out of those of all parts: the metadata of the first, the tensors of all.

    Raises:
        UsageError: the parts do not belong together.
    """
    first = parts[0]
    stated = first.metadata.get("split.count")
    if len(parts) > 1:
        if stated != len(parts):
            raise broken(f"a part says there are {stated!r} parts, there are {len(parts)}")
        numbers = [part.metadata.get("split.no") for part in parts]
        if numbers != list(range(len(parts))):
            raise broken("the parts are not in order")
    elif isinstance(stated, int) and stated > 1:
        raise UsageError(
            f"This is one of {stated} parts of a model.",
            hint="Keep all parts in one folder under their own names (...-00001-of-00003.gguf).",
        )
    tensors = [tensor for part in parts for tensor in part.tensors]
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise broken("a tensor stands in two parts")
    wanted = first.metadata.get("split.tensors.count")
    if len(parts) > 1 and isinstance(wanted, int) and wanted != len(tensors):
        raise broken(f"the parts hold {len(tensors)} of {wanted} tensors")
    return GgufHeader(first.metadata, first.lengths, tensors, sum(part.file_bytes for part in parts))
