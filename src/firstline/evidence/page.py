"""The pages of a pack: whole in themselves, without a script, everything in them escaped."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from firstline.evidence.pack import Population, body_path, page_path, plan_path, row_path
from firstline.evidence.story import Story, clock, shown

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("template")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters.update(clock=clock, shown=shown)
_PAGES.globals.update(row_path=row_path, body_path=body_path, plan_path=plan_path, page_path=page_path)


@dataclass(frozen=True)
class Cover:
    """What every page of a pack says of the pack."""

    asked: str
    made_at: datetime
    made_by: str
    hub: str
    version: str
    size: int | None  # of the tree; None: no checkpoint was made yet
    key: str


@dataclass(frozen=True)
class Listed:
    """A remediation in the table of contents."""

    id: str
    label: str
    title: str
    said: str
    begun: datetime | None


def listed(story: Story) -> Listed:
    title = story.incident.get("title", "")
    return Listed(story.id, story.label, title, story.said, story.row.get("created_at"))


def tell(cover: Cover, story: Story, up: str) -> bytes:
    """A remediation's page. `up` leads from it to the pack's top: `` or `../../`."""
    return _render("remediation.html", cover=cover, story=story, up=up)


def contents(cover: Cover, population: Population, cases: list[Listed], gaps: list[str]) -> bytes:
    """The page of a pack that tells of several remediations, or of none."""
    return _render("contents.html", cover=cover, population=population, cases=cases, gaps=gaps, up="")


def _render(name: str, **values: Any) -> bytes:
    return _PAGES.get_template(name).render(values).encode()
