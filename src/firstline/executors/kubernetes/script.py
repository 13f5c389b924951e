"""The small programs that a container's own `sh` runs for us. They need cat, dd, grep and sleep beside it, as
images with a shell have."""

import math
import re
import shlex
from collections.abc import Sequence

from firstline.errors import Rejected
from firstline.executor import Step

RUN = "FIRSTLINE_RUN"  # in the environment of all that the command starts: by it they are found and ended
NOT_BEGUN = 125  # the wrapper's own: what it was to run did not come whole
SIGN = b"firstline waits\n"  # the wrapper's first words: it runs, and waits for what it is to do
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Signals, and lists as PID/START, those whose environment has the mark, whoever descends from them, and those of an
# earlier list that are there still: `su` and `env -i` clean the environment, and outlive who began them. START (field
# 22 of proc_pid_stat(5), in ticks) tells one from a later process of its id.
_EACH = f"""
born() {{
  read -r s 2>/dev/null <"/proc/$1/stat" || return 0
  set -- ${{s##*) }}
  [ "$1" = Z ] || echo "${{20}}"
}}
each() {{
  mark=$1 signal=$2 next= all=' '
  shift 2
  for f in $(grep -ls "{RUN}=$mark" /proc/[0-9]*/environ 2>/dev/null); do
    f=${{f#/proc/}}
    next="$next ${{f%/environ}}"
  done
  for known; do [ "$(born "${{known%/*}}")" != "${{known#*/}}" ] || next="$next ${{known%/*}}"; done
  while [ -n "$next" ]; do
    these=$next next=
    for p in $these; do
      case $all in
        *" $p "*) ;;
        *) all="$all$p " next="$next$(cat "/proc/$p/task/"*/children 2>/dev/null)" ;;
      esac
    done
  done
  for p in $all; do b=$(born "$p"); [ -z "$b" ] || {{ kill -"$signal" "$p" 2>/dev/null && echo "$p/$b"; }}; done
  :
}}
"""
# Says that it is there, then reads what to run and to set from stdin, so that it stands on no command line, and in no
# URL, which may not be long; begins the command only when that came whole; and ends it after its time, should nobody
# else. The command's own environment alone has the mark.
_WRAPPER = (
    f"echo '{SIGN.decode().strip()}'\n{_EACH}"
    'said=$(dd bs=1 count="$1" 2>/dev/null)\n'
    "case $said in *'#whole') ;; *) exit 125 ;; esac\n"
    "limit=$2; run=$3\n"
    '(eval "$said"; exec "$@") </dev/null &\n'
    "command=$!\n"
    '(n=0; while kill -0 "$command" && [ "$n" -lt "$limit" ]; do sleep 1; n=$((n + 1)); done\n'
    ' [ "$n" -lt "$limit" ] || each "$run" KILL) </dev/null >/dev/null 2>&1 &\n'
    'wait "$command"\n'
)


def wrapped(step: Step, mark: str, grace: float) -> tuple[list[str], bytes]:
    """The command for the container, and what is to be sent to its stdin. Raises `Rejected`."""
    plain = {
        **step.environment,
        **{name: secret.get_secret_value() for name, secret in step.secrets.items()},
        RUN: mark,
    }
    if strange := [name for name in plain if not _NAME.fullmatch(name)]:
        raise Rejected(f"a shell can't set {', '.join(strange)}: letters, digits and `_` make a variable's name")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in plain.items()]
    if step.directory:
        lines.append(f"cd -- {shlex.quote(step.directory)} || exit 126")
    said = "\n".join([*lines, f"set -- {shlex.join(step.run)}", "#whole"]).encode()
    limit = math.ceil(step.timeout + grace) + 1
    return ["sh", "-c", _WRAPPER, "firstline", str(len(said)), str(limit), mark], said


def signalling(mark: str, signal: str, known: Sequence[str]) -> Sequence[str]:
    """`known`: what it wrote before, of which some may bear the mark no more."""
    return ("sh", "-c", f'{_EACH}each "$@"', "firstline", mark, signal, *known)
