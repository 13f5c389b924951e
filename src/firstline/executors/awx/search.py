"""Finds the job of a run by its key.

AWX does not let jobs be filtered by `extra_vars` (`prevent_search`, answered 403), so those that our account's kind of
launch made since then are read; a tag can be asked for. Jobs that a workflow or a person's relaunch made have the
variables of the first, and are left out (`launch_type`).
"""

from datetime import UTC, datetime
from typing import Any

from firstline.executors.awx.api import PAGE, Api
from firstline.executors.awx.document import Row
from firstline.executors.awx.request import Key, Template

SKEW = 300.0  # seconds that two clocks may differ


async def find(api: Api, template: Template, key: Key, step: str, since: float) -> tuple[str, dict[str, Any]] | None:
    """Path and body of the first job with this key that was made after `since`, in seconds since 1970, by our clock."""
    query: dict[str, Any] = {
        "launch_type": "manual",
        "order_by": "id",
        "created__gte": datetime.fromtimestamp(since - SKEW, UTC).isoformat(),
    }
    if key.tag:
        query["skip_tags__contains"] = key.tag
    for listed, kind in _lists(template):
        number, more = 1, True
        while more:
            rows, more = await api.rows(Row, f"{template.path}/{listed}", page=number, page_size=PAGE, **query)
            for job in (row.root for row in rows):
                if key.fits(job, step):
                    return f"{kind}/{job['id']}", job
            number += 1
    return None


def _lists(template: Template) -> list[tuple[str, str]]:
    """A job template that is cut into slices makes a workflow job, one job in it for each slice."""
    if template.path.startswith("workflow"):
        return [("workflow_jobs", "workflow_jobs")]
    slices = [("slice_workflow_jobs", "workflow_jobs")] if template.launch.defaults.job_slice_count > 1 else []
    return [("jobs", "jobs"), *slices]
