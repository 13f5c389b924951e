"""A step in a sandbox, as the hub gives it to its executor."""

import pytest
from tests.integration.course.stage import Make
from tests.integration.course.test_step import shop, trace

from firstline.testing.peer import need

pytestmark = pytest.mark.anyio

LOOK = """
  - name: look
    run: ["./do", "${{ inputs.mark }}", look]
    sandbox: {writes: ["%s"]}
"""
SEEN = """
ls %(state)s | sed 's/^/sees /' >>"$1/trace"
test -s %(toml)s && echo "reads the settings" >>"$1/trace"
(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo "has a network" >>"$1/trace"
touch %(folder)s/written
true
"""


async def test_what_is_the_hubs_own_is_not_seen_in_it(stage: Make, tmp_path: object) -> None:
    need("bwrap", package="bubblewrap")
    hub = f"{tmp_path}/hub"
    seen = SEEN % {"state": f"{hub}/state", "toml": f"{hub}/firstline.toml", "folder": hub}
    made = await shop(stage, LOOK % f"{tmp_path}/marks", look=seen)
    await made.incident()
    assert made.row()["outcome"] == "proved", made.row()["reason"]
    assert not (made.folder / "written").exists()
    assert trace(made) == ["look", "sees runs", "sees shelf"]
