"""A command in a running container, over a WebSocket: `v5.channel.k8s.io` and v4 (k8s.io/apimachinery
pkg/util/httpstream/wsstream; KEP 4006). The first byte of each message names its channel.

As the real one, it lets the command go on when the socket closes."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from firstline.testing.kubernetes.kubelet import Kubelet
from firstline.testing.kubernetes.status import Refused
from firstline.testing.kubernetes.world import World

Body = dict[str, Any]

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _ERROR, _CLOSE = 0, 1, 2, 3, 255


class Shell:
    def __init__(self, world: World, kubelet: Kubelet) -> None:
        self._world = world
        self._kubelet = kubelet

    async def serve(self, socket: WebSocket) -> None:
        try:
            pod, protocol = self._admit(socket)
        except Refused as refused:
            await socket.send_denial_response(JSONResponse(refused.body, refused.code))
            return
        await socket.accept(subprotocol=protocol)
        try:
            process = await self._begin(pod, socket.query_params.getlist("command"))
        except Refused as refused:
            await self._say(socket, _ERROR, json.dumps(refused.body).encode())
            await socket.close()
            return
        self._world.do(self._accompany(socket, process))
        await self._listen(socket, process, protocol)
        await process.wait()

    def _admit(self, socket: WebSocket) -> tuple[Body, str]:
        if socket.headers.get("Authorization") != f"Bearer {self._world.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        for verb in ("get", "create"):  # what a GET is, and since 1.35 what an exec is beside that
            if (verb, "pods/exec") in self._world.denied:
                name = socket.path_params["name"]
                raise Refused(403, "Forbidden", f'pods "{name}" is forbidden: cannot {verb} resource "pods/exec"')
        pod = self._world.get("pods", socket.path_params["namespace"], socket.path_params["name"])
        names = [container["name"] for container in pod["spec"]["containers"]]
        name = socket.query_params.get("container", names[0] if len(names) == 1 else "")
        if name not in names:
            raise Refused(400, "BadRequest", f"container {name} is not valid for pod {pod['metadata']['name']}")
        if pod["metadata"]["uid"] not in self._kubelet.containers:
            words = f"cannot exec into a container in a completed pod; current phase is {pod['status']['phase']}"
            raise Refused(400, "BadRequest", words)
        offered = [each for each in self._world.protocols if each in socket.scope["subprotocols"]]
        if not offered or not socket.query_params.getlist("command"):
            raise Refused(400, "BadRequest", "unable to upgrade: no subprotocol in common, or no command")
        return pod, offered[0]

    async def _begin(self, pod: Body, command: list[str]) -> Process:
        """What goes wrong from here on is told on the error channel: the connection stands before the node is asked."""
        if pod["metadata"]["name"] in self._world.cut:
            raise Refused(500, "InternalError", "error dialing backend: dial tcp 10.0.0.7:10250: connection refused")
        environment = self._kubelet.environment(pod) | self._kubelet.containers[pod["metadata"]["uid"]].mark
        try:
            if command[0] == "sh" and pod["spec"]["containers"][0]["image"] in self._world.bare:
                raise FileNotFoundError(command[0])
            return await asyncio.create_subprocess_exec(
                *command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except FileNotFoundError as error:
            words = (
                "Internal error occurred: error executing command in container: failed to exec in container: failed to "
                "start exec: OCI runtime exec failed: exec failed: unable to start container process: "
                f'exec: "{command[0]}": executable file not found in $PATH: unknown'
            )
            raise Refused(500, "InternalError", words) from error

    async def _listen(self, socket: WebSocket, process: Process, protocol: str) -> None:
        assert process.stdin is not None
        try:
            while True:
                told = await socket.receive()
                message = told.get("bytes") or (told.get("text") or "").encode()  # the real one reads either
                if told["type"] == "websocket.disconnect":
                    return
                if message[:1] == bytes([_STDIN]):
                    process.stdin.write(message[1:])
                elif protocol == _PROTOCOLS[0] and message == bytes([_CLOSE, _STDIN]):
                    process.stdin.close()
        except (WebSocketDisconnect, RuntimeError):
            return

    async def _accompany(self, socket: WebSocket, process: Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        await asyncio.gather(self._pass(socket, _STDOUT, process.stdout), self._pass(socket, _STDERR, process.stderr))
        await self._say(socket, _ERROR, json.dumps(_status(await process.wait())).encode())
        if socket.application_state.name == "CONNECTED" and socket.client_state.name == "CONNECTED":
            await socket.close()

    async def _pass(self, socket: WebSocket, channel: int, stream: asyncio.StreamReader) -> None:
        while content := await stream.read(16_384):
            await self._say(socket, channel, content)

    async def _say(self, socket: WebSocket, channel: int, content: bytes) -> None:
        """To nobody, when nobody listens any more."""
        try:
            await socket.send_bytes(bytes([channel]) + content)
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


def _status(exit_status: int) -> Body:
    if exit_status == 0:
        return {"metadata": {}, "status": "Success"}
    code = exit_status if exit_status > 0 else 128 - exit_status
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
