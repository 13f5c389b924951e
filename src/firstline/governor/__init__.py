"""One governor a connection: what may be asked of it now, by all processes; and the calls for people when it can't."""

from firstline.governor.governor import Governor, Priority

__all__ = ["Governor", "Priority"]
