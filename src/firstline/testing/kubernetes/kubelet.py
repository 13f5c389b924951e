"""What runs pods: containers are processes of this machine, which end with all they started."""

import asyncio
import base64
import re
import shutil
from pathlib import Path
from typing import Any

from firstline.testing.container import Container
from firstline.testing.kubernetes.world import World, now

Body = dict[str, Any]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE = re.compile(r"\$(?:\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
_MESSAGE = 4096  # bytes of a termination message that are kept


class Kubelet:
    def __init__(self, world: World) -> None:
        self._world = world
        self.containers: dict[str, Container] = {}  # by the pod's uid
        world.changed.append(self._changed)

    def log(self, pod: Body) -> Path:
        return self._folder(pod) / "log"

    def environment(self, pod: Body) -> dict[str, str]:
        """What a process in it has, also one that comes later by exec."""
        files = self._files(pod)
        plain = {"PATH": PATH, "HOSTNAME": pod["metadata"]["name"], "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
        for entry in pod["spec"]["containers"][0].get("env", []):
            plain[entry["name"]] = self._value(pod, entry, plain)
        return {name: _here(value, files) for name, value in plain.items()}

    def _changed(self, kind: str, pod: Body) -> None:
        if kind == "pods" and "node" not in pod["status"]:
            pod["status"]["node"] = True
            self._world.do(self._run(pod))

    async def _run(self, pod: Body) -> None:
        self._folder(pod).mkdir(parents=True, exist_ok=True)
        pod["status"]["startTime"] = now()
        if await self._until_ready(pod):
            try:
                container = self._begin(pod)
            except FileNotFoundError:
                program = pod["spec"]["containers"][0]["command"][0]
                words = (
                    f'failed to create containerd task: exec: "{program}": executable file not found in $PATH: unknown'
                )
                self._ended(pod, 128, "StartError", words, now())
            else:
                await self._until_end(pod, container, now())
        if "deletionTimestamp" in pod["metadata"]:
            self._world.remove("pods", pod)

    async def _until_ready(self, pod: Body) -> bool:
        """Whether it can begin; False when it is deleted before."""
        while "deletionTimestamp" not in pod["metadata"]:
            if not (lacking := self._lacking(pod)):
                pod["spec"]["nodeName"] = "node-1"
                return True
            if lacking != pod["status"].get("lacking"):
                pod["status"]["lacking"] = lacking
                if lacking[0] == "Unschedulable":
                    condition = {"type": "PodScheduled", "status": "False", "reason": lacking[0], "message": lacking[1]}
                    pod["status"]["conditions"] = [condition]
                else:
                    self._wait(pod, *lacking)
                self._world.touch("pods", pod)
            await asyncio.sleep(0.005)
        return False

    def _lacking(self, pod: Body) -> tuple[str, str] | None:
        main = pod["spec"]["containers"][0]
        if pod["spec"].get("nodeSelector"):
            return "Unschedulable", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
        if main["image"] not in self._world.images:
            return "ImagePullBackOff", f'Back-off pulling image "{main["image"]}"'
        named = [entry["valueFrom"]["secretKeyRef"]["name"] for entry in main.get("env", []) if "valueFrom" in entry]
        for name in named:
            if ("secrets", pod["metadata"]["namespace"], name) not in self._world.objects:
                return "CreateContainerConfigError", f'secret "{name}" not found'
        return None

    def _begin(self, pod: Body) -> Container:
        main = pod["spec"]["containers"][0]
        environment = self.environment(pod)
        files = self._files(pod)
        words = [
            _expanded(word, environment) for word in (*main.get("command", ["sleep", "100000"]), *main.get("args", []))
        ]
        run = [_here(word, files) for word in words]
        if not shutil.which(run[0], path=PATH):
            raise FileNotFoundError(run[0])
        container = Container(run, environment, self.log(pod))
        self.containers[pod["metadata"]["uid"]] = container
        pod["status"] |= {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self._set(pod, {"running": {"startedAt": now()}}, ready=True)
        self._world.touch("pods", pod)
        return container

    async def _until_end(self, pod: Body, container: Container, started: str) -> None:
        end = asyncio.ensure_future(container.ended())
        begun = asyncio.get_running_loop().time()
        while not end.done():
            deadline = pod["spec"].get("activeDeadlineSeconds")
            if deadline is not None and asyncio.get_running_loop().time() - begun >= deadline:
                pod["status"] |= {
                    "reason": "DeadlineExceeded",
                    "message": "Pod was active on the node longer than the specified deadline",
                }
                await container.stop(pod["spec"].get("terminationGracePeriodSeconds", 30))
            elif "deletionTimestamp" in pod["metadata"]:
                await container.stop(pod["spec"].get("terminationGracePeriodSeconds", 30))
            await asyncio.wait([end], timeout=0.02)
        status = await end
        written = self._message(pod)
        self._ended(pod, status, "Completed" if status == 0 else "Error", written, started)

    def _ended(self, pod: Body, status: int, reason: str, message: str, started: str) -> None:
        self.containers.pop(pod["metadata"]["uid"], None)
        end = {"exitCode": status, "reason": reason, "startedAt": started, "finishedAt": now()}
        late = pod["status"].get("reason") == "DeadlineExceeded"
        pod["status"]["phase"] = "Succeeded" if status == 0 and not late else "Failed"
        pod["status"]["conditions"] = []
        self._set(pod, {"terminated": end | ({"message": message} if message else {})})
        self._world.touch("pods", pod)

    def _wait(self, pod: Body, reason: str, message: str) -> None:
        self._set(pod, {"waiting": {"reason": reason, "message": message}})

    def _set(self, pod: Body, state: Body, *, ready: bool = False) -> None:
        main = pod["spec"]["containers"][0]
        status = {"name": main["name"], "image": main["image"], "imageID": "", "ready": ready, "restartCount": 0}
        pod["status"]["containerStatuses"] = [{**status, "state": state}]

    def _message(self, pod: Body) -> str:
        file = self._folder(pod) / "message"
        return file.read_bytes()[:_MESSAGE].decode(errors="replace") if file.exists() else ""

    def _value(self, pod: Body, entry: Body, so_far: dict[str, str]) -> str:
        if "valueFrom" not in entry:
            return _expanded(entry.get("value", ""), so_far)
        reference = entry["valueFrom"]["secretKeyRef"]
        return self._secret(pod, reference["name"])[reference["key"]]

    def _secret(self, pod: Body, name: str) -> dict[str, str]:
        secret = self._world.get("secrets", pod["metadata"]["namespace"], name)
        return {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}

    def _files(self, pod: Body) -> dict[str, str]:
        """Paths in the container, and where they are on this machine, which has no place of its own for them."""
        main = pod["spec"]["containers"][0]
        files = {main.get("terminationMessagePath", "/dev/termination-log"): str(self._folder(pod) / "message")}
        volumes = {volume["name"]: volume["secret"] for volume in pod["spec"].get("volumes", [])}
        for mount in main.get("volumeMounts", []):
            folder = self._folder(pod) / mount["name"]
            folder.mkdir(exist_ok=True)
            volume = volumes[mount["name"]]
            for entry in volume["items"]:
                file = folder / entry["path"]
                file.write_text(self._secret(pod, volume["secretName"])[entry["key"]])
                file.chmod(volume.get("defaultMode", 0o644))
            files[mount["mountPath"]] = str(folder)
        return files

    def _folder(self, pod: Body) -> Path:
        return self._world.place / "pods" / str(pod["metadata"]["uid"])


def _expanded(text: str, environment: dict[str, str]) -> str:
    """`$(NAME)` where there is such a variable, and `$` for `$$` (third_party/forked/golang/expansion)."""
    return _REFERENCE.sub(lambda found: environment.get(found[1], found[0]) if found[1] else "$", text)


def _here(text: str, files: dict[str, str]) -> str:
    for path, real in files.items():
        if text == path or text.startswith(f"{path}/"):
            return real + text.removeprefix(path)
    return text
