"""Reasons not to go on: rules only. What they look at is brought to them; nothing here asks or keeps."""

from firstline.guard.hold import GuardName, Hold

__all__ = ["GuardName", "Hold"]
