"""Webhooks that are kept alive, and found out when they are silent."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.intake.conftest import Hub
from tests.integration.intake.vendor import Vendor

from firstline.errors import Rejected, Unavailable
from firstline.intake import source
from firstline.intake.health import findings
from firstline.intake.webhook import RENEW, SILENT, Webhooks, connect
from firstline.settings import Intake

pytestmark = pytest.mark.anyio

URL = "https://hub.example/hooks/vendor"


@pytest.fixture
def webhooks(hub: Hub) -> Webhooks:
    return Webhooks(hub.desk, hub.poller, hub.governor, {"vendor": URL})


@pytest.fixture
async def silent(hub: Hub, vendor: Vendor) -> None:
    """Several events that only the poll has brought, though the connection was watched before they happened."""
    hour = timedelta(hours=1)
    vendor.now = datetime.now(UTC) - hour
    await hub.poll()
    vendor.now += timedelta(minutes=10)
    vendor.open(*(f"t{number}" for number in range(SILENT)))
    await hub.poll()


async def test_what_only_polls_bring_tells_that_the_webhook_is_silent(
    hub: Hub, webhooks: Webhooks, silent: None
) -> None:
    await webhooks.watch("vendor", None)
    assert hub.source()["silent_since"] is not None
    told = hub.database.read_now(lambda c: findings(c, "vendor", Intake()))
    assert [(finding.ok, finding.mend) for finding in told if finding.subject == "webhook's arrivals"] == [
        (False, "firstline connect vendor")
    ]


async def test_a_silent_webhook_that_we_made_is_repaired(
    hub: Hub, webhooks: Webhooks, vendor: Vendor, silent: None
) -> None:
    await connect(hub.desk, "vendor", URL)
    await webhooks.watch("vendor", None)
    await webhooks.watch("vendor", None)
    assert vendor.connected == [URL, URL]  # once by hand, once as a repair


async def test_a_webhook_that_an_administrator_made_is_only_reported(
    webhooks: Webhooks, vendor: Vendor, silent: None
) -> None:
    await webhooks.watch("vendor", None)
    assert vendor.connected == []


async def test_a_webhook_that_speaks_again_is_no_longer_silent(hub: Hub, webhooks: Webhooks, silent: None) -> None:
    await webhooks.watch("vendor", None)
    await webhooks.watch("vendor", datetime.now(UTC))
    assert hub.source()["silent_since"] is None


async def test_a_registration_is_renewed_in_time(hub: Hub, webhooks: Webhooks, vendor: Vendor) -> None:
    await connect(hub.desk, "vendor", URL)
    long_ago = datetime.now(UTC) - RENEW - timedelta(minutes=1)
    hub.database.write_now(lambda c: source.note(c, "vendor", renewed_at=long_ago))
    await webhooks.watch("vendor", None)
    await webhooks.watch("vendor", None)
    assert vendor.connected == [URL, URL]


async def test_the_secret_of_a_new_webhook_is_handed_out_and_not_kept(hub: Hub) -> None:
    made = await connect(hub.desk, "vendor", URL)
    assert made.secret == "shown-once"
    assert "secret" not in hub.source()["registration"]


async def test_a_vendor_that_refuses_the_renewal_is_not_asked_every_minute(
    hub: Hub, webhooks: Webhooks, vendor: Vendor
) -> None:
    await connect(hub.desk, "vendor", URL)
    hub.database.write_now(lambda c: source.note(c, "vendor", renewed_at=None))
    vendor.refusal = Rejected("no right to do that")
    await webhooks.watch("vendor", None)
    await webhooks.watch("vendor", None)
    assert vendor.connected == [URL, URL]


async def test_a_vendor_that_is_only_busy_is_asked_again_with_the_next_look(
    hub: Hub, webhooks: Webhooks, vendor: Vendor
) -> None:
    await connect(hub.desk, "vendor", URL)
    hub.database.write_now(lambda c: source.note(c, "vendor", renewed_at=None))
    vendor.refusal = Unavailable("busy")
    await webhooks.watch("vendor", None)
    vendor.refusal = None
    await webhooks.watch("vendor", None)
    await webhooks.watch("vendor", None)
    assert vendor.connected == [URL] * 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_secret_that_the_schedule_was_shown_is_missed_until_the_webhook_speaks(
    hub: Hub, webhooks: Webhooks, vendor: Vendor
) -> None:
    def missed() -> list[str]:
        told = hub.database.read_now(lambda c: findings(c, "vendor", Intake()))
        return [finding.mend for finding in told if finding.subject == "webhook's secret"]

    await connect(hub.desk, "vendor", URL)
    assert missed() == []
    hub.database.write_now(lambda c: source.note(c, "vendor", renewed_at=None))
    await webhooks.watch("vendor", None)
    assert "firstline connect" in missed()[0]
    await webhooks.watch("vendor", datetime.now(UTC))
    assert missed() == []
