"""What a workflow template passes on to the templates in it.

A workflow takes a limit, and gives it to those of its nodes whose own templates prompt for one; the others run on all
their hosts, and nothing says so (WorkflowJobNode.get_job_kwargs drops what is ignored). So each is asked before.
"""

from firstline.errors import Rejected
from firstline.executors.awx.api import Api
from firstline.executors.awx.document import Launch, TemplateNode
from firstline.executors.awx.request import FLAGS

_KINDS = {"job": "job_templates", "workflow_job": "workflow_job_templates"}  # the others run on no hosts


async def see_that_nodes_take(api: Api, path: str, names: set[str]) -> None:
    """Raises `Rejected` that names the first template in the workflow which would leave out what is named."""
    seen, left = {path}, [path]
    while left:
        for node in await api.all(TemplateNode, f"{left.pop()}/workflow_nodes", order_by="id"):
            inner = _path(node)
            if not inner or inner in seen:
                continue
            seen.add(inner)
            template = await api.get(Launch, inner)
            if lacking := sorted(name for name in names if not getattr(template, FLAGS[name])):
                raise Rejected(
                    f"the template {template.name!r} in the workflow does not prompt for {', '.join(lacking)}: "
                    "AWX would leave it out there, and run it on all its hosts; set Prompt on Launch for it"
                )
            if inner.startswith("workflow"):
                left.append(inner)


def _path(node: TemplateNode) -> str:
    template = node.summary_fields.unified_job_template
    kind = _KINDS.get(template.unified_job_type) if template else None
    return f"{kind}/{template.id}" if template and kind else ""
