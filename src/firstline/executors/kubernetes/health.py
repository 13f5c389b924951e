"""What `firstline doctor` is told of a cluster."""

import re

from firstline.errors import FirstlineError, Rejected, Unauthorized
from firstline.executors.kubernetes.cluster import Body, Cluster
from firstline.finding import Finding

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OLDEST = (1, 28)  # an older server refuses a Job's `podReplacementPolicy` as a field that it does not know
_NEEDED = (
    ("batch", "jobs", "", ("create", "get", "patch")),
    ("", "pods", "", ("get", "list")),
    ("", "pods", "log", ("get",)),
    # A WebSocket begins with a GET, which is `get`; from 1.35 on `create` is looked at too (kubernetes#134577).
    ("", "pods", "exec", ("get", "create")),
    ("", "secrets", "", ("create", "get")),
    ("", "events", "", ("list",)),
    ("apps", "deployments", "", ("get",)),
    ("apps", "statefulsets", "", ("get",)),
)


async def findings(cluster: Cluster, namespaces: frozenset[str]) -> list[Finding]:
    """The version, then one for each namespace."""
    url = cluster.access.url
    try:
        version = await cluster.ask("GET", "/version")
        return [
            version_of(url, version),
            *[await _permitted(cluster, namespace) for namespace in sorted(namespaces)],
        ]
    except Unauthorized as error:
        return [Finding(ok=False, subject=url, message=str(error), mend="Renew the token or the certificate.")]
    except Rejected as error:
        mend = "See that the address is a cluster's own, and that the account may ask about itself (system:basic-user)."
        return [Finding(ok=False, subject=url, message=str(error), mend=mend)]
    except FirstlineError as error:
        mend = "See that the address is right, reachable from here, and its certificate by a known authority."
        return [Finding(ok=False, subject=url, message=str(error), mend=mend)]


def version_of(url: str, told: Body) -> Finding:
    name = str(told.get("gitVersion", "of no version"))
    found = re.match(r"v(\d+)\.(\d+)", name)
    ok = found is not None and (int(found[1]), int(found[2])) >= OLDEST
    mend = "" if ok else f"Jobs need Kubernetes {OLDEST[0]}.{OLDEST[1]} or later."
    return Finding(ok=ok, subject=url, message=f"Kubernetes {name}", mend=mend)


async def _permitted(cluster: Cluster, namespace: str) -> Finding:
    """SelfSubjectAccessReview: kubernetes.io/docs/reference/access-authn-authz/authorization."""
    missing = [
        f"{verb} {'/'.join(filter(None, (resource, part)))}"
        for group, resource, part, verbs in _NEEDED
        for verb in verbs
        if not await _may(cluster, namespace, {"group": group, "resource": resource, "subresource": part, "verb": verb})
    ]
    if not missing:
        return Finding(ok=True, subject=f"namespace {namespace}", message="all that is needed is permitted")
    mend = f"Give the account a Role in {namespace} with these (secrets: for steps with secrets or a program; exec, "
    mend += "deployments, statefulsets: for commands in pods; events: to be told why a Job has no pod)."
    return Finding(
        ok=False, subject=f"namespace {namespace}", message=f"not permitted: {', '.join(missing)}", mend=mend
    )


async def _may(cluster: Cluster, namespace: str, what: dict[str, str]) -> bool:
    attributes = {"namespace": namespace} | {key: value for key, value in what.items() if value}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await cluster.ask("POST", _REVIEW, json=review)
    return bool(answer["status"]["allowed"])
