"""What every sandbox takes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class SandboxSettings(BaseModel):
    """What every sandbox takes: where it tells of changes, and how it signs. Entry points in `firstline.sandboxes`
    name a function `create_app(SandboxSettings)` that returns an ASGI application."""

    model_config = ConfigDict(extra="forbid")

    hook_url: str = Field(default="", description="Where webhooks go; empty: none are sent.")
    hook_secret: str = "sandbox-secret"  # noqa: S105 - the published secret of a stand-in
    public_url: str = Field(default="", description="The sandbox's own address, for links in its answers.")
    seed: dict[str, Any] = Field(default_factory=dict, description="Records to start with, in the vendor's own shape.")
    chaos: dict[str, Any] = Field(default_factory=dict, description="Faults to make: `firstline.chaos.Chaos`.")
