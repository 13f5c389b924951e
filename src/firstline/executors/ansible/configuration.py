"""Ansible's and OpenSSH's configuration for one run; nobody's own is read. Pure.

Settings: docs.ansible.com, reference_appendices/config. Of each SSH option the first that is said counts
(ssh_config(5)), so what stands on the command line first can't be loosened by a playbook's own arguments.
"""

import configparser
import io
import shlex
from pathlib import Path

from firstline.executors.ansible.settings import AnsibleSettings

CALLBACK = "firstline"
CALLBACKS = Path(__file__).parent / "callback"


def ansible_configuration(settings: AnsibleSettings, home: Path) -> str:
    """An ansible.cfg. `home` is where Ansible keeps what it keeps."""
    parser = configparser.RawConfigParser()
    parser["defaults"] = {
        "home": str(home),
        "collections_path": ":".join([str(each.absolute()) for each in settings.collections] or [str(home)]),
        "callback_plugins": str(CALLBACKS),
        "stdout_callback": CALLBACK,
        "callback_result_format": "yaml",
        "forks": str(settings.forks),
        "timeout": str(settings.connect_timeout),
        "fact_caching": "memory",
        "interpreter_python": "auto_silent",
        "localhost_warning": "False",
        "deprecation_warnings": "False",
        "host_key_checking": "True",
        "nocolor": "True",
    }
    parser["inventory"] = {"enable_plugins": "ansible.builtin.yaml", "any_unparsed_is_failed": "True"}
    parser["connection"] = {"pipelining": str(settings.pipelining)}
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def ssh_configuration(settings: AnsibleSettings) -> str:
    """An ssh_config, for hosts and for those they are reached through."""
    key = f"IdentityFile {_quoted(settings.private_key)}\n" if settings.private_key else ""
    return f"""\
{key}StrictHostKeyChecking yes
UserKnownHostsFile {_quoted(settings.known_hosts)}
GlobalKnownHostsFile /dev/null
UpdateHostKeys no
CanonicalizeHostname no
BatchMode yes
IdentityAgent none
IdentitiesOnly yes
ForwardAgent no
ServerAliveInterval 15
ServerAliveCountMax 4
"""


def ssh_arguments(configuration: Path, known_hosts: Path | None) -> str:
    """What stands first on each command line of ssh. `SOCKETS` is where kept connections have their sockets: `prelude`
    says where."""
    pinned = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={_quoted(known_hosts)}"]
    kept = ["ControlMaster=auto", "ControlPersist=60s", "ControlPath=SOCKETS/ssh-%C"]
    options = (argument for option in (*pinned, *kept) for argument in ("-o", option))
    return shlex.join(["-F", str(configuration), *options])


def _quoted(path: Path | None) -> str:
    return f'"{path.absolute()}"' if path else "/dev/null"
