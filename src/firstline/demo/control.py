"""The control command of the demo's services: `control.py FOLDER down|up|restart|show NAME`.

`down` and `up` only look, and say it with their exit status. Each service is a file `NAME.json` in the folder: `up`,
and `cured`: whether a restart helps. `restarts` has a line for each restart: when (UTC), and of what.
Standard library only.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def main(folder: str, verb: str, name: str) -> None:
    path = Path(folder) / f"{name}.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    if verb == "restart":
        with (Path(folder) / "restarts").open("a", encoding="ascii") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {name}\n")
        state["up"] = state["cured"]
        # Written beside and renamed: a reader never sees half a file.
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(state) + "\n", encoding="utf-8")
        beside.replace(path)
    sys.stdout.write(f"{name} is {'up' if state['up'] else 'down'}\n")
    if verb in ("up", "down"):
        sys.exit(state["up"] != (verb == "up"))


if __name__ == "__main__":
    main(*sys.argv[1:4])
