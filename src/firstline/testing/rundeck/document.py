"""What the stand-in answers, in Rundeck's words."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse

from firstline.testing.rundeck.model import Execution, Job

# Rundeck's own messages (rundeckapp/grails-app/i18n/messages.properties).
MESSAGES = {
    "api.error.item.doesnotexist": "{0} does not exist: {1}",
    "api.error.item.unauthorized": 'Not authorized for action "{0}" for {1} {2}',
    "api.error.api-version.unsupported": 'Unsupported API Version "{0}". API Request: {1}. Reason: {2}',
    "api.error.job.options-invalid": "Job options were not valid: {0}",
    "api.error.execution.conflict": "Execution had a conflict: {0}",
    "api.error.execution.failed": "Execution failed: {0}",
    "api.error.job.disabled": "{0}",
    "api.error.invalid.request": "Invalid API Request: {0}",
    "api.error.parameter.invalid": 'The value "{0}" for parameter "{1}" is not valid: {2}',
    "api.error.item.unsupported-format": "The format is not valid: {0}",
    "unauthorized": "{0} is not authorized for: {1}",
}


class Refused(Exception):
    """An answer that is an error of Rundeck's."""

    def __init__(self, status: int, code: str, *words: object) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, MESSAGES[code].format(*words)

    def answer(self, version: int) -> JSONResponse:
        body = {"error": True, "apiversion": version, "errorCode": self.code, "message": self.message}
        return JSONResponse(body, self.status)


def execution(execution: Execution, base: str) -> dict[str, Any]:
    """https://docs.rundeck.com/docs/api/#execution-info"""
    job = execution.job
    shown: dict[str, Any] = {
        "id": execution.id,
        "href": f"{base}/api/execution/{execution.id}",
        "permalink": f"{base}/project/{job.project}/execution/show/{execution.id}",
        "status": execution.status,
        "project": job.project,
        "executionType": "user",
        "user": execution.user,
        "date-started": moment(execution.started),
        "job": {
            "id": job.id,
            "name": job.name,
            "group": "",
            "project": job.project,
            "description": "",
            "href": f"{base}/api/job/{job.id}",
            "permalink": f"{base}/project/{job.project}/job/show/{job.id}",
        },
        "description": job.name,
        "argstring": " ".join(f"-{name} {_quoted(value)}" for name, value in execution.options.items()) or None,
        "serverUUID": "3425B691-7319-4EEE-8425-F053C628B4BA",
    }
    if execution.options:
        shown["job"]["options"] = dict(execution.options)
    if execution.custom_status:
        shown["customStatus"] = execution.custom_status
    if execution.ended is not None:
        shown["date-ended"] = moment(execution.ended)
        good = [node for node in execution.nodes if node not in execution.failed_nodes]
        shown |= {"successfulNodes": good} if good else {}
        shown |= {"failedNodes": list(execution.failed_nodes)} if execution.failed_nodes else {}
    if execution.status == "aborted":
        shown["abortedby"] = execution.aborted_by
    if execution.attempt:
        shown["retryAttempt"] = execution.attempt
    if execution.retried:
        shown["retriedExecution"] = {"id": execution.retried.id, "status": execution.retried.status}
    return shown


def moment(seconds: float) -> dict[str, Any]:
    return {"unixtime": int(seconds * 1000), "date": f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"}


def definition(job: Job) -> list[dict[str, Any]]:
    """https://docs.rundeck.com/docs/manual/document-format-reference/job-yaml-v12.html"""
    options = []
    for option in job.options:
        shown: dict[str, Any] = {"name": option.name}
        shown |= {"required": True} if option.required else {}
        shown |= {"regex": option.regex} if option.regex else {}
        shown |= {"secure": True, "valueExposed": True} if option.secure else {}
        options.append(shown)
    return [
        {
            "id": job.id,
            "uuid": job.id,
            "name": job.name,
            "executionEnabled": job.enabled,
            "multipleExecutions": job.multiple,
            "loglevel": "INFO",
            "options": options,
            "sequence": {"keepgoing": False, "strategy": "node-first", "commands": [{"exec": "true"}]},
        }
    ]


def output(execution: Execution, offset: int, most: int) -> dict[str, Any]:
    """https://docs.rundeck.com/docs/api/#execution-output"""
    done = execution.ended is not None
    shown: dict[str, Any] = {
        "id": str(execution.id),
        "execCompleted": done,
        "hasFailedNodes": bool(execution.failed_nodes),
        "execState": execution.status,
        "execDuration": int(1000 * ((execution.ended or datetime.now(UTC).timestamp()) - execution.started)),
        "clusterExec": False,
    }
    if not execution.log_there:
        words = {"error" if done else "message": "The log file could not be found"}
        return shown | words | {"empty": True, "offset": "0", "completed": done, "entries": []}
    if done and not execution.log_complete:
        pending = {"message": "Pending", "pending": "Waiting for log output to become available"}
        return shown | pending | {"offset": str(offset), "completed": False, "entries": []}
    entries, after = execution.entries(offset, most)
    return shown | {
        "offset": str(after),
        "completed": done and after >= len(execution.log),
        "percentLoaded": 100.0 * after / max(1, len(execution.log)),
        "totalSize": len(execution.log),
        "lastModified": str(int(1000 * (execution.ended or execution.started))),
        "retryBackoff": 0,
        "compacted": False,
        "entries": entries,
    }


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
