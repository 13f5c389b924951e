"""What others answer, as far as we read it: typed where it comes in, so that an answer which is none of theirs is
trouble on the way, and nothing else."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from firstline.errors import Unavailable


class Foreign(BaseModel):
    """What is null is not there; what we don't read may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


T = TypeVar("T", bound=BaseModel)


def read(model: type[T], content: Any, whose: str) -> T:
    """Raises `Unavailable` that names what is not as `whose` answers have it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Unavailable(f"{whose} is not understood: {place}{': ' if place else ''}{first['msg']}") from None
