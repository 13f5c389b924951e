"""Which host an incident is on: its configuration item where that is written as a host, else the host its title names.

Monitors put the host into the title, with punctuation of their own: `PROBLEM: web-3/DISK is CRITICAL` (Nagios),
`... (web-3.example.com:9100 ...)` (Alertmanager), `... on {host:web-3}` (Datadog). Devices, file systems and the like
are written as hosts are and are none. A title that names several hosts alike names none: a person knows which.
"""

import re

from firstline.incident import Incident

_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_ITEM = re.compile(_NAME, re.IGNORECASE)
_WORD = re.compile(rf"(?<![\w./@\\-])(?=[a-z]){_NAME}(?![\w@\\-]|\.\w|://)")  # no part of a path, address or other word
_SAID = re.compile(r"\b(?:on|host|hostname|node|server|instance|machine)[\s:=\"'`({\[]+(?:\w+:)?$", re.IGNORECASE)
_DEVICES = r"(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n|md|dm-|sr|loop|eth|ens|enp\d+s|eno|wlan|bond|tun|lo)\d+(?:p\d+|s\d+)?"
_FORMATS = r"(?:ext|ipv|utf-?|sha-?|http|tls|ssl|oauth|base|log4j|python|php|java|raid-?)\d+"
_RANKS = r"(?:[a-z]|sev-?|prio-?|tier-?|level-?|volume-?|disk-?|inc-?|chg-?|req-?)\d+[a-z]?"
_FILES = r".*\.(?:\d+|log|gz|xz|bz2|zst|zip|tar|sh|py|conf|ya?ml|json|sql|pem|crt|jar|service|timer|socket|mount)"
_OTHER = re.compile("|".join((_DEVICES, _FORMATS, _RANKS, _FILES)))


def host(incident: Incident) -> str:
    """In small letters; empty where none is known."""
    item = incident.ci.strip()
    return item.lower() if _ITEM.fullmatch(item) else named(incident.title)


def named(title: str) -> str:
    """The host that a title names: one after `on`, `host`, `node` and the like goes before domain names, those before
    other words."""
    found = [match for match in _WORD.finditer(title) if _is_host(match.group())]
    said = [match for match in found if _SAID.search(title, 0, match.start())]
    whole = [match for match in found if "." in match.group()]
    names = {match.group() for match in said or whole or found}
    return names.pop() if len(names) == 1 else ""


def _is_host(word: str) -> bool:
    """Hosts are counted, or have a whole domain name."""
    return (any(each.isdigit() for each in word) or word.count(".") > 1) and not _OTHER.fullmatch(word)
