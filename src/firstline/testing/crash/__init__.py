"""The second suite of each executor: what holds when things are killed, at any moment.

To join, subclass `CrashContract` beside the executor in a test module `test_*.py` under tests/integration, and say

- `factory`, "module:function": called with a round's folder (`Path`), here and in the process that is killed, it makes
  the executor. What it must keep it keeps in that folder; the next for the same folder finds it there.
- `stage(place)`, a context manager, where the executor talks to others: a real server or a stand-in, one for all rounds
  of the class. A round's folder is inside `place`, so what `factory` must know of it (a port) stands in a file in
  `folder.parent`.
- `kills()`: beside "hub", which is there, what else is killed, by name. An async function of the round's folder and of
  the handle (None: `start` did not answer yet) that does the damage and returns when it is over: a server that was
  killed is up again.
- `may_end`: how a run may end under a kill, where that is not "succeeded" alone. Only what can't be otherwise.
- `step`, `begun`, `ended`, `left`, where a run is not a shell program on this machine that can write to the folder.

A round: a hub in small, in a process of its own, starts the step and watches it. At one of four moments the kill
falls, at a random instant. The hub's process goes on, as far as it lives. Then another executor starts the same step
again, watches it to its end, and cancels it. Wanted: begun at most once; an end that is allowed and that is true;
nothing left.

`make test` does a few rounds of each kind and moment. tests/soak/soak_kill.py does `KILLS` of them, over all executors.
"""

from firstline.testing.crash.contract import CrashContract
from firstline.testing.crash.round import Kill, Moment, Outcome, hub_of, kill_hub

__all__ = ["CrashContract", "Kill", "Moment", "Outcome", "hub_of", "kill_hub"]
