"""Reasons not to go on: rules only. What they look at is brought to them; nothing here asks or keeps."""

from firstline.guard.hold import GuardName, Hold
from firstline.guard.settings import Guards
from firstline.guard.window import Window, Windows

__all__ = ["GuardName", "Guards", "Hold", "Window", "Windows"]
