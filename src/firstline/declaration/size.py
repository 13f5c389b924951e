"""Sizes as people write them."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_FORM = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)")
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def size(text: object) -> int:
    """`64KiB`, `1MiB`, or a whole number of bytes; at least one. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        length = int(match[1]) * _BYTES[match[2]]
    elif isinstance(text, int) and not isinstance(text, bool):
        length = text
    else:
        raise ValueError(f"a size is a number of bytes, or like 64KiB or 1MiB; not {text!r}")
    if length < 1:
        raise ValueError(f"a size is at least one byte; not {text!r}")
    return length


Size = Annotated[int, BeforeValidator(size)]
