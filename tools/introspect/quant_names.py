"""Names of quantizations: in file names, in a file's metadata, or from the types of its tensors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tools.introspect.gguf_header import TensorInfo
from tools.memory.quantization import canonical

_LABEL = re.compile(
    r"(?:^|[-._])((?:UD-)?(?:I?Q[1-8]_(?:K_(?:XXL|XL|L|M|S|XS)|K|[01]|XXS|XS|S|M|L|NL|XL)"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32))(?=$|[-._])",
    re.IGNORECASE,
)


def label_in(name: str) -> str | None:
    """The quantization that a file name or tag says (`UD-Q4_K_XL`, `IQ2_M`); None where it says none."""
    found = _LABEL.findall(name)
    return canonical(found[-1]) if found else None


def label_of_type(number: object) -> str | None:
    """The quantization of `general.file_type`; None where it is missing or only guessed."""
    from gguf import LlamaFileType

    try:
        name = LlamaFileType(number).name if isinstance(number, int) else "GUESSED"
    except ValueError:
        return None
    return None if name == "GUESSED" else canonical(name.removeprefix("MOSTLY_").removeprefix("ALL_"))


def label_of_tensors(tensors: Sequence[TensorInfo]) -> str | None:
    """The type of most weights; None where no tensors are known."""
    counts: Counter[str] = Counter()
    for tensor in tensors:
        if len(tensor.shape) > 1:
            counts[tensor.type] += tensor.values
    return counts.most_common(1)[0][0] if counts else None


def own_label(name: str, file_type: object, tensors: Sequence[TensorInfo]) -> tuple[str | None, str]:
    """The name of a file's quantization and where it comes from.

    A dynamic recipe (`UD-...`) is told by the file name only; otherwise the metadata goes before the name.
    """
    named, stated = label_in(name), label_of_type(file_type)
    if named is not None and (named.startswith("UD-") or stated is None):
        return named, "file name"
    if stated is not None:
        return stated, "general.file_type of the file"
    return label_of_tensors(tensors), "type of most of its tensors"
