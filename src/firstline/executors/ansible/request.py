"""From a step to the command that runs it. Refused here, before anything is begun, when it can't be. No I/O but to see
whether files are there."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from firstline.errors import Rejected
from firstline.executor import Step, parameters
from firstline.executors.ansible.artifact import Artifacts
from firstline.executors.ansible.configuration import ssh_arguments
from firstline.executors.ansible.document import Template, document
from firstline.executors.ansible.play import Play
from firstline.executors.ansible.settings import PROGRAM, AnsibleSettings

_PRELUDE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("prelude.py")))
_OWN = "ansible_"  # variables that say how hosts are reached begin so
_VARIABLE = "firstline_secrets"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a variable
SECRETS = "FIRSTLINE_SECRETS"


def play_of(step: Step) -> Play:
    """What the step says. Raises `Rejected` for what it may not say, or what Ansible can't be given."""
    play = parameters(Play, step)
    refused = {
        "`run`: a playbook says what runs": bool(step.run),
        "working directory: a playbook has its own folder": bool(step.directory),
        f"variables that begin with {_OWN}: the executor's settings say how hosts are reached": any(
            name.startswith(_OWN) for name in (*play.variables, *step.secrets)
        ),
        "secrets whose names are no variable's": not all(_NAME.fullmatch(name) for name in step.secrets),
        "ANSIBLE_ in its environment: the executor's settings say it": any(
            name.startswith("ANSIBLE_") for name in step.environment
        ),
    }
    for words, wrong in refused.items():
        if wrong:
            raise Rejected(f"{step.name or 'the step'}: the executor ansible takes no {words}")
    for name in filter(None, (play.become_password, play.vault_password)):
        if name not in step.secrets:
            raise Rejected(f"{step.name or 'the step'}: it has no secret {name}")
    return play


def playbook_of(step: Step, play: Play) -> Path:
    """The playbook's path, which stays in the runbook's folder."""
    folder = Path(step.folder).resolve()
    playbook = (folder / play.playbook).resolve()
    if not step.folder or not playbook.is_relative_to(folder) or not playbook.is_file():
        raise Rejected(f"there is no playbook {play.playbook!r} in the runbook's folder {step.folder or '(none)'}")
    return playbook


def variables_of(step: Step, play: Play) -> dict[str, Any]:
    """The extra variables. Those that are secret only say where they are: in the inventory that `_secret_options`
    makes."""
    names = {name: name for name in step.secrets if name not in (play.become_password, play.vault_password)}
    if play.become_password:
        names["ansible_become_password"] = play.become_password
    return {
        **play.variables,
        **{variable: Template(f"{{{{ {_VARIABLE}.{name} }}}}") for variable, name in names.items()},
    }


def command_of(step: Step, play: Play, settings: AnsibleSettings, artifacts: Artifacts) -> Step:
    """The step as `CommandExecutor` runs it."""
    program = settings.find_program()
    if program is None:
        sought = settings.program or f"{PROGRAM}: it comes with `pip install firstline[ansible]`"
        raise Rejected(f"there is no program {sought}")
    options = _options(play, artifacts, dry_run=step.dry_run)
    run = (*_PRELUDE, program, *options, _pin(settings, artifacts), str(playbook_of(step, play)))
    environment = {
        "LC_ALL": "C.UTF-8",  # Ansible refuses to run where texts are not UTF-8
        **step.environment,
        "ANSIBLE_CONFIG": str(artifacts.configuration),
        "FIRSTLINE_EVENTS": str(artifacts.events),
    }
    secrets = {SECRETS: SecretStr(json.dumps(_secret_options(step, play)))} if step.secrets else {}
    changes = {"run": run, "parameters": {}, "environment": environment, "secrets": secrets, "dry_run": False}
    return step.model_copy(update=changes)


def _options(play: Play, artifacts: Artifacts, *, dry_run: bool) -> list[str]:
    flags = {
        "--check": play.check or dry_run,
        "--diff": play.diff or dry_run,
        "--become": play.become,
        f"--become-user={play.become_user}": play.become_user,
        f"--limit={play.limit}": play.limit,
        f"--tags={','.join(play.tags)}": play.tags,
        f"--skip-tags={','.join(play.skip_tags)}": play.skip_tags,
        f"-{'v' * play.verbosity}": play.verbosity,
    }
    said = [flag for flag, wanted in flags.items() if wanted]
    return [f"--inventory={artifacts.inventory}", f"--extra-vars=@{artifacts.variables}", *said]


def _pin(settings: AnsibleSettings, artifacts: Artifacts) -> str:
    """As an extra variable, which stands above all that a playbook says."""
    arguments = ssh_arguments(artifacts.ssh_configuration, settings.known_hosts)
    return f"--extra-vars={json.dumps({'ansible_ssh_args': arguments})}"


def _secret_options(step: Step, play: Play) -> dict[str, str]:
    """Options of Ansible, each with what is to stand in the file that it names. Not `--extra-vars`: its file is looked
    for by the path it has where links end, and one of memory has none (ansible/cli/arguments/option_helpers.py,
    maybe_unfrack_path)."""
    values = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    vault = values.pop(play.vault_password, None)
    options = {"--inventory=": document({"all": {"vars": {_VARIABLE: values}}})}
    return options if vault is None else {**options, "--vault-password-file=": vault}
