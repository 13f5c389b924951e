"""A cluster in small that speaks the Kubernetes API over real HTTP: Jobs, pods, Secrets, logs, exec. A stand-in, from
the published API description (v1.32), for tests and rehearsals; containers are processes of this machine.

It is strict where the real one is: names, unknown and immutable fields, resource versions, `Status` bodies, paging. It
lacks what it does not show: admission, quotas, nodes that vanish, log rotation."""

from firstline.testing.kubernetes.app import application
from firstline.testing.kubernetes.world import World

__all__ = ["World", "application"]
