"""One line of JSON a figure, with its yardstick of the same run."""

import json
import sys
from typing import Any


def tell(figure: str, value: float, unit: str, *, wanted: str, met: bool, **yardstick: Any) -> None:
    """Print a figure. `wanted` says what is asked of it, `yardstick` what it was measured against."""
    rounded = {key: round(each, 3) if isinstance(each, float) else each for key, each in yardstick.items()}
    line = {"figure": figure, "value": round(value, 3), "unit": unit, "wanted": wanted, "met": met, **rounded}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
