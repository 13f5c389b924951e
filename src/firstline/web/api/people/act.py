"""An act about people, and how its refusal is answered."""

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi import HTTPException

from firstline.access import profile
from firstline.access.oneself import Barred
from firstline.access.roll import known
from firstline.errors import Rejected
from firstline.hub import Hub

T = TypeVar("T")


async def act(hub: Hub, do: Callable[[sa.Connection], T]) -> T:
    """403 when the one who acts may not, whoever else may; 409 when it can't be done."""
    try:
        return await hub.database.write(do)
    except Barred as refusal:
        raise HTTPException(403, str(refusal)) from refusal
    except Rejected as refusal:
        raise HTTPException(409, str(refusal)) from refusal


async def changed(hub: Hub, name: str, do: Callable[[sa.Connection], object]) -> dict[str, Any]:
    """Do it, and give the person as they are then. 404 when there is none."""
    await there(hub, name)
    await act(hub, do)
    return await hub.database.read(lambda connection: profile.profile(connection, name))


async def there(hub: Hub, name: str) -> None:
    """404 unless there is such a person, on or off."""
    if not await hub.database.read(lambda connection: known(connection, name)):
        raise HTTPException(404, f"there is no person {name!r}")
