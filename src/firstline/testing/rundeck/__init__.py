"""A stand-in of a Rundeck server, for tests of what runs jobs there. Real HTTP, and no Rundeck: what it says is written
from Rundeck's published API and, where that is silent, from the server's own code (versions 4.0 to 6.1).

    server = Rundeck([Job(id="...", name="restart", program=restart)])
    with serve(server.app) as url: ...

A job's program is an async function of its `Work`. What was asked is in `server.requests`; what began, in
`server.executions`. `server.faults` makes the wire bad.
"""

from firstline.testing.rundeck.app import Rundeck
from firstline.testing.rundeck.model import Execution, Job, Option, Token
from firstline.testing.rundeck.work import Failed, Work

__all__ = ["Execution", "Failed", "Job", "Option", "Rundeck", "Token", "Work"]
