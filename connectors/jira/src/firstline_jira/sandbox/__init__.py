"""A small stateful stand-in for a Jira Cloud site with one service project, HELP.

Made from Atlassian's documents: real paths, error bodies, paging, a search that runs behind, signed webhooks. Sign in
with any e-mail address and the API token of the seed (`sandbox-token` unless it says otherwise); each address is a
person of its own. Seeds:

- `api_token`: the token everybody signs in with
- `index_delay`: seconds until search knows a new issue
- `issues`: bodies of POST /rest/api/3/issue
- `requests`: bodies of POST /rest/servicedeskapi/request
"""

from firstline_jira.sandbox.app import create_app

__all__ = ["create_app"]
