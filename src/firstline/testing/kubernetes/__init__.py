"""A cluster in small that speaks the Kubernetes API over real HTTP: Jobs, pods, Secrets, events, logs, exec, watches,
and what kubectl finds its way by. A stand-in, from the published API description (v1.36), for tests and rehearsals;
containers are processes of this machine.

It is strict where the real one is: names, unknown and immutable fields, resource versions, `Status` bodies, paging,
subprotocols. Bodies are JSON alone, so of kubectl what sends protobuf (`create job`, `auth can-i`) is refused. Quotas
and refusals are as a test says; it lacks what it does not show: nodes that vanish, log rotation, sidecars, tables."""

from firstline.testing.kubernetes.app import application
from firstline.testing.kubernetes.world import World

__all__ = ["World", "application"]
