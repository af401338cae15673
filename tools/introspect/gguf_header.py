"""The header of a GGUF file, read with bounds: metadata and tensor table, without tensor data.

The `gguf` package's reader trusts a file. It loops as often as a count says, makes a numpy array of every
array element (a 128,000-token vocabulary with its merges: 9 s and 600 MB), recurses into nested arrays, wraps
products of dimensions at 64 bits, and maps the data of every tensor, which the head of a remote file lacks.
So the header is walked here first: every count and length is held against what may be and against the bytes
that there are, long arrays are passed over (their length is kept), and the tensor table is checked entry by
entry. What is left of the metadata, a few kilobytes, is then handed to `gguf.GGUFReader`, which decodes it;
value types, tensor types and block sizes are the package's as well.

Source of the layout: ggml `docs/gguf.md`, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from knowledge.errors import UsageError

Fetch = Callable[[int, int], bytes]
"""Bytes of a file from an offset (inclusive) to another (exclusive); fewer where the file ends."""

CHUNK = 1 << 20
MAX_HEADER = 256 << 20
MAX_ENTRIES = 4096
"""Metadata entries; published files have fewer than 100."""
MAX_TENSORS = 100_000
MAX_KEY = 512
MAX_STRINGS = 2_000_000
"""Strings over all arrays, which have to be passed one by one."""
KEPT_STRING = 1 << 20
KEPT_ARRAY = 4096
"""Elements up to which a numeric array is kept; those by layer are far shorter."""
MAX_KEPT = 16_384
"""Elements that are kept of all arrays together: the package makes a numpy array of each, 14 us apiece."""
MAX_TENSOR_NAME = 128
MAX_DIMENSION = 1 << 40
MAX_VALUES = 1 << 48
SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the scalar value types, by their number."""
STRING, ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
OWN_FIELDS = 3
"""Fields that the reader puts before those of the file: version and counts."""


class TensorInfo(NamedTuple):
    """One entry of the tensor table; `shape` in ggml's order (row length first)."""

    name: str
    type: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        return prod(self.shape)


@dataclass(slots=True)
class GgufHeader:
    """What the header of one file says."""

    metadata: dict[str, Any]
    """Scalars, strings and short numeric arrays by key."""
    lengths: dict[str, int]
    """Lengths of all arrays."""
    tensors: list[TensorInfo]
    file_bytes: int


def broken(what: str) -> UsageError:
    """The error of a file that is no whole GGUF file."""
    return UsageError(
        f"The GGUF header is damaged or not what it says: {what}.",
        hint="Download the file again and compare its checksum.",
        code="bad_gguf",
    )


@dataclass(slots=True)
class _Walk:
    """A place in a header whose bytes are fetched as they are needed."""

    fetch: Fetch
    size: int
    at: int = 0
    data: bytearray = field(default_factory=bytearray)
    strings: int = 0
    kept: int = 0
    """Elements of the arrays that are kept so far."""

    def need(self, count: int) -> int:
        """Makes the next bytes available; returns where they start."""
        start, end = self.at, self.at + count
        if end > self.size:
            raise broken("it ends in the middle")
        if end > MAX_HEADER:
            raise broken(f"it is longer than {MAX_HEADER >> 20} MiB")
        while len(self.data) < end:
            # Doubling keeps the number of requests small; the cap keeps a lie from costing memory.
            wanted = min(self.size, MAX_HEADER, max(end, 2 * len(self.data), CHUNK))
            more = self.fetch(len(self.data), wanted)
            if not more:
                raise broken("it ends in the middle")
            self.data += more[: wanted - len(self.data)]
        self.at = end
        return start

    def number(self, code: str) -> int:
        (value,) = struct.unpack_from("<" + code, self.data, self.need(struct.calcsize(code)))
        return int(value)

    def text(self, limit: int, what: str) -> str:
        length = self.number("Q")
        if not length or length > limit:
            raise broken(f"{what} of {length:,} bytes")
        start = self.need(length)
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError:
            raise broken(f"{what} is not UTF-8") from None

    def skip_strings(self, count: int) -> None:
        self.strings += count
        if self.strings > MAX_STRINGS or count * 8 > self.size - self.at:
            raise broken(f"an array of {count:,} strings")
        at, have = self.at, len(self.data)
        # A vocabulary has hundreds of thousands of them: the loop does no more than it must.
        for _ in range(count):
            if at + 8 > have:
                self.at = at
                self.need(8)
                have = len(self.data)
            at += 8 + _LENGTH.unpack_from(self.data, at)[0]
            if at > have:
                self.at = at
                self.need(0)
                have = len(self.data)
        self.at = at


def read_header(fetch: Fetch, size: int) -> GgufHeader:
    """Reads and checks a header.

    Args:
        fetch: gives bytes of the file.
        size: bytes of the whole file, against which the tensors are held.

    Raises:
        UsageError: not a GGUF file, or one whose header does not hold together.
    """
    walk = _Walk(fetch, size)
    if size < 24 or bytes(walk.data[walk.need(4) : 4]) != b"GGUF":
        raise UsageError(
            "This is not a GGUF file.",
            hint="A GGUF file starts with the letters GGUF; give one, an `ollama:TAG` or a hub id.",
            code="bad_gguf",
        )
    version = walk.number("I")
    if version not in (2, 3):
        kind = "big-endian" if version and version & 0xFFFF == 0 else f"version {version}"
        raise UsageError(
            f"This GGUF file is {kind}; versions 2 and 3 in little-endian order are read.",
            hint="Convert the model again with a current llama.cpp.",
            code="bad_gguf",
        )
    tensors, entries = walk.number("Q"), walk.number("Q")
    if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
        raise broken(f"{tensors:,} tensors and {entries:,} metadata entries")
    kept, lengths = _entries(walk, entries)
    metadata = _decoded(kept, version)
    table = _tensor_table(walk, tensors, metadata.get("general.alignment", 32))
    return GgufHeader(metadata, lengths, table, size)


def _entries(walk: _Walk, count: int) -> tuple[list[bytes], dict[str, int]]:
    """The entries worth keeping as they stand in the file, and the lengths of arrays."""
    kept, lengths, seen = [], {}, set()
    for _ in range(count):
        start = walk.at
        key = walk.text(MAX_KEY, "a key")
        if key in seen:
            raise broken(f"the key `{key[:60]}` stands twice")
        seen.add(key)
        kind, keep = walk.number("I"), True
        if kind in SCALARS:
            walk.need(SCALARS[kind])
        elif kind == STRING:
            length = walk.number("Q")
            walk.need(length)
            keep = length <= KEPT_STRING
        elif kind == ARRAY:
            lengths[key], keep = _array(walk)
        else:
            raise broken(f"a value of the unknown type {kind}")
        if keep:
            kept.append(bytes(walk.data[start : walk.at]))
    return kept, lengths


def _array(walk: _Walk) -> tuple[int, bool]:
    """Passes an array; its length, and whether it is short enough to keep."""
    kind, length = walk.number("I"), walk.number("Q")
    if kind == STRING:
        walk.skip_strings(length)
        return length, _keeps(walk, length, 64)
    if kind not in SCALARS:
        raise broken("an array of arrays" if kind == ARRAY else f"an array of the unknown type {kind}")
    if length * SCALARS[kind] > walk.size:
        raise broken(f"an array of {length:,} numbers")
    walk.need(length * SCALARS[kind])
    return length, _keeps(walk, length, KEPT_ARRAY)


def _keeps(walk: _Walk, length: int, most: int) -> bool:
    """Whether an array is kept: short itself, and with those before it."""
    keep = length <= most and walk.kept + length <= MAX_KEPT
    walk.kept += length if keep else 0
    return keep


def _decoded(entries: list[bytes], version: int) -> dict[str, Any]:
    """The kept entries, decoded by the gguf package from a small file that holds nothing else."""
    from gguf import GGUFReader

    head = b"GGUF" + struct.pack("<IQQ", version, 0, len(entries))
    # The reader maps the file, and some systems do not delete a mapped one.
    with tempfile.TemporaryDirectory(prefix="llm-advisor-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "header.gguf"
        path.write_bytes(head + b"".join(entries) + bytes(64))
        try:
            reader = GGUFReader(path)
            entries_read = list(reader.fields.items())[OWN_FIELDS:]
            found = {name: entry.contents() for name, entry in entries_read}
        except (ValueError, KeyError, IndexError, OverflowError, TypeError) as error:
            raise broken(f"its metadata cannot be read ({type(error).__name__})") from None
    return found


def tensor_types() -> dict[int, tuple[str, int, int]]:
    """Name, values in a block and bytes of a block of every tensor type, by its number."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    return {int(kind): (kind.name, *GGML_QUANT_SIZES[kind]) for kind in GGMLQuantizationType}


def checked_shape(shape: tuple[int, ...], block: int, type_name: str) -> tuple[int, ...]:
    """A tensor's shape, if one can have it.

    Raises:
        UsageError: no dimensions or too many, empty or gigantic ones, rows that are no whole blocks.
    """
    if not 1 <= len(shape) <= 4:
        raise broken(f"a tensor of {len(shape)} dimensions")
    if min(shape) < 1 or max(shape) > MAX_DIMENSION or prod(shape) > MAX_VALUES:
        raise broken(f"a tensor of {' x '.join(str(size)[:24] for size in shape)} values")
    if shape[0] % block:
        raise broken(f"rows of {shape[0]:,} values in {type_name}, which has blocks of {block}")
    return shape


def checked_name(name: str, seen: set[str]) -> str:
    """A tensor's name, if it can be printed and stands once; it is put among those seen.

    Raises:
        UsageError: it does not.
    """
    if name in seen or not name or len(name) > MAX_TENSOR_NAME or not name.isprintable() or " " in name:
        raise broken("a tensor name stands twice or cannot be printed")
    seen.add(name)
    return name


def _tensor_table(walk: _Walk, count: int, alignment: object) -> list[TensorInfo]:
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1) or alignment > 1 << 20:
        raise broken("an alignment that is no power of two")
    types, found, names, ends = tensor_types(), [], set[str](), 0
    for _ in range(count):
        name = checked_name(walk.text(MAX_TENSOR_NAME, "a tensor name"), names)
        dimensions = walk.number("I")
        if not 1 <= dimensions <= 4:
            raise broken(f"a tensor of {dimensions} dimensions")
        shape = tuple(walk.number("Q") for _ in range(dimensions))
        kind = walk.number("I")
        if kind not in types:
            raise UsageError(
                f"Tensor `{name}` has the type {kind}, which is not known here.",
                hint="The file may be newer than this program, or made for another engine.",
                code="unknown_tensor_type",
            )
        type_name, block, block_bytes = types[kind]
        checked_shape(shape, block, type_name)
        offset = walk.number("Q")
        if offset % alignment:
            raise broken(f"tensor `{name}` is not aligned")
        ends = max(ends, offset + prod(shape) // block * block_bytes)
        found.append(TensorInfo(name, type_name, shape))
    start = -(-walk.at // alignment) * alignment
    if count and start + ends > walk.size:
        raise UsageError(
            f"The file is cut off: its tensors need {start + ends:,} bytes, it has {walk.size:,}.",
            hint="Download it again, or wait until the download has ended.",
            code="bad_gguf",
        )
    return found
