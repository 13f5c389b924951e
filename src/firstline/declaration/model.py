"""What every declaration's model shares."""

from pydantic import BaseModel, ConfigDict, JsonValue

Json = JsonValue


class Declaration(BaseModel):
    """A part of a user's file. Unknown keys are errors; nothing is converted: `"5"` is no number and `5` no text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
