from typing import Any

import pytest

pytestmark = pytest.mark.anyio


async def test_a_person_sees_incidents_their_notes_and_their_log(sandbox: Any) -> None:
    await sandbox.request("POST", "/incidents/Q3B15VLMF3ASBD/notes", {"note": {"content": "I look at it"}})
    await sandbox.change(escalation_level=2)
    page = (await sandbox.request("GET", "/")).text
    for words in ("#1 The shop does not answer", "triggered", "high", "I look at it", "Escalated to level 2"):
        assert words in page
    assert "<dt>Escalation level</dt><dd>2</dd>" in page


async def test_what_people_write_is_text_on_the_page(sandbox: Any) -> None:
    odd = '<script>alert("x")</script>'
    await sandbox.change(title=odd)
    await sandbox.request("POST", "/incidents/Q3B15VLMF3ASBD/notes", {"note": {"content": odd}})
    page = (await sandbox.request("GET", "/")).text
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 2


async def test_the_page_loads_nothing_from_elsewhere(sandbox: Any) -> None:
    page = (await sandbox.request("GET", "/")).text
    assert "src=" not in page
    assert "<link" not in page
    assert "https://" not in page
