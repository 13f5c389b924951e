"""Faults that a sandbox makes when asked to, so that users and tests see what a bad day does.

A sandbox wires it so:

    faults = Faults(settings.chaos)  # settings: SandboxSettings
    hooks = HookChaos(faults)        # its sender says `await hooks.deliver(record, send)` in place of `await send()`
    app = ChaosApp(app, faults)      # or, for Starlette, Middleware(ChaosApp, faults=faults), first of its list
"""

from firstline.chaos.app import ChaosApp
from firstline.chaos.fault import Faults
from firstline.chaos.hook import HookChaos
from firstline.chaos.settings import Chaos

__all__ = ["Chaos", "ChaosApp", "Faults", "HookChaos"]
