"""What of this executor runs on the host: one process a connection, asked by lines of JSON.

It is sent over the connection's standard input together with `firstline.executors.process`, kept in memory and never
written to the host's disk, and ends with the connection. What it begins does not: supervisors are detached, and each
holds the lock of its run's directory until the end is on record.

Standard library only, from Python 3.8 on. A request is one line, `{"number": 7, "do": "look", "with": {...}}`; its
answer another, `{"number": 7, "result": {...}}` or `{"number": 7, "error": "rejected", "words": "..."}`. Each request
has a thread of its own, so a long one holds up no other.
"""
