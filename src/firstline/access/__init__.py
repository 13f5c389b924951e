"""Who asks, and may they?"""

from firstline.access.delegation import delegated_to
from firstline.access.person import by_account, find, groups_of, is_one_of, who_may
from firstline.access.right import Grant, Person, Right
from firstline.access.scope import within
from firstline.access.token import authenticate, make_token

__all__ = [
    "Grant",
    "Person",
    "Right",
    "authenticate",
    "by_account",
    "delegated_to",
    "find",
    "groups_of",
    "is_one_of",
    "make_token",
    "who_may",
    "within",
]
