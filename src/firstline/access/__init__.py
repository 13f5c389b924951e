"""Who asks, and may they?"""

from firstline.access.token import Person, Right, authenticate, make_token

__all__ = ["Person", "Right", "authenticate", "make_token"]
