"""A small stateful stand-in for a Jira site with one service project, HELP: Cloud, or Data Center.

Made from Atlassian's documents: real paths, error bodies, paging, a search that runs behind, signed webhooks. What a
seed holds, how one signs in and what trouble it makes stand in the connector's README.
"""

from firstline_jira.sandbox.app import create_app

__all__ = ["create_app"]
