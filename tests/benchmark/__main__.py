"""`make bench`: prints one JSON line a figure. Names as arguments choose some: accept latency remediate outbox outage
match start approval guard ledger command ssh ansible."""

import sys

from tests.benchmark import (
    accept,
    ansible,
    approval,
    command,
    guard,
    latency,
    ledger,
    match,
    outage,
    outbox,
    output,
    remediate,
    ssh,
    start,
)

BENCHMARKS = {
    "accept": accept.run,
    "latency": latency.run,
    "remediate": remediate.run,
    "outbox": outbox.run,
    "outage": outage.run,
    "match": match.run,
    "start": start.run,
    "approval": approval.run,
    "ledger": ledger.run,
    "guard": guard.run,
    "command": command.run,
    "output": output.run,
    "ssh": ssh.run,
    "ansible": ansible.run,
}


def main() -> None:
    for name in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
