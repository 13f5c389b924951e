"""A POSIX shell that leaves nothing behind on a host whose connection is gone.

Ansible puts each module with its arguments, which may be secret, into a folder on the host, and removes it over the
connection (ansible/plugins/action/__init__.py, _remove_tmp_path): not when it was killed. sshd hangs up then, and the
shell there removes the folder itself.

Loaded by ansible-core, in its own process: of Firstline nothing is imported here.
"""

from typing import Any

from ansible.plugins.shell import sh  # type: ignore[import-untyped]

DOCUMENTATION = """
    name: firstline
    short_description: POSIX shell that removes its temporary folder when it is hung up on
    description: As the shell plugin sh.
    extends_documentation_fragment:
      - shell_common
"""


class ShellModule(sh.ShellModule):  # type: ignore[misc]
    def build_module_command(self, *arguments: Any, **named: Any) -> str:
        return self._tidied(super().build_module_command(*arguments, **named))

    def wrap_for_exec(self, cmd: str) -> str:
        """Of the action `script`."""
        return self._tidied(super().wrap_for_exec(cmd))

    def _tidied(self, command: str) -> str:
        """Beside the shell, so that it hears of the hang-up, which the kernel tells the session's first process alone;
        the others when that ends (credentials(7))."""
        if not self.tmpdir:
            return command
        trap = f"trap - HUP; kill -HUP $!; rm -rf {self.quote(self.tmpdir)}; kill -HUP $$"
        return f"trap {self.quote(trap)} HUP; {command} <&0 & wait $!"
