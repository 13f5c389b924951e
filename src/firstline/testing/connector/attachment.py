"""The suite of connectors that put files on records."""

from collections.abc import AsyncIterator

import pytest

from firstline.connector import (
    Attachment,
    Attachments,
)
from firstline.testing.connector.basis import Loopback, OnSandbox


class AttachmentsContract(OnSandbox):
    """For connectors that put files on records. Mix it in beside `ConnectorContract`."""

    @pytest.fixture
    async def shelf(self, loopback: Loopback) -> AsyncIterator[Attachments]:
        connector = self.connector(loopback(self.sandbox()))
        assert isinstance(connector, Attachments)
        yield connector
        await connector.aclose()

    async def test_the_same_file_is_attached_once_and_comes_back_as_it_was(self, shelf: Attachments) -> None:
        content = "first line\nGrüße\n".encode() + bytes(range(256))
        log = Attachment(key="contract-log", name="firstline-log.txt", content=content)
        references = [await shelf.attach(self.incident(), log) for _ in range(2)]
        assert references[0] == references[1]
        assert references[0].url
        (found,) = await shelf.attached(self.incident())
        assert found.content == content
        assert found.media_type.startswith("text/plain")

    async def test_files_with_other_keys_are_other_files(self, shelf: Attachments) -> None:
        for key in ("one", "two"):
            await shelf.attach(self.incident(), Attachment(key=key, name="log.txt", content=key.encode()))
        found = await shelf.attached(self.incident())
        assert sorted(attachment.content for attachment in found) == [b"one", b"two"]
