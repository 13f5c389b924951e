"""The suite of webhooks that are made."""

from firstline.testing.connector.basis import Loopback, OnSandbox


class RegistrationContract(OnSandbox):
    """For connectors that make their webhook, or say how people make it. Mix it in beside `ConnectorContract`."""

    hook_url = "https://firstline.example/hooks/contract"

    async def test_a_webhook_is_made_once_or_said_how_to_make(self, loopback: Loopback) -> None:
        connector = self.connector(loopback(self.sandbox()))
        try:
            first, second = [await connector.connect(self.hook_url) for _ in range(2)]
        finally:
            await connector.aclose()
        if first.state == "manual":
            assert self.hook_url in first.instructions
            assert second == first
        else:
            assert first.state == "made"
            assert second.state in ("renewed", "unchanged")
            assert second.id == first.id != ""
