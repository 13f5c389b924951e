"""Figures for Prometheus, read from the tables when asked: right after a restart, and the same from every process."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from firstline.store.table import (
    BUDGET,
    CHECKPOINT,
    CONNECTION,
    DELIVERY,
    LEDGER,
    PUBLICATION,
    RECONCILIATION,
    REMEDIATION,
    SOURCE,
    WRITE_BACK,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
# What is kept of a connection that is no longer in firstline.toml is no figure: it would grow old for ever.
_DECLARED = sa.select(CONNECTION.c.name)


def figures(connection: sa.Connection) -> str:
    registry = CollectorRegistry()
    registry.register(_Tables(connection))
    return generate_latest(registry).decode()


class _Tables(Collector):
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def collect(self) -> Iterable[Metric]:
        yield self._counted("firstline_deliveries", "Deliveries that wait or are parked.", DELIVERY, ("new", "parked"))
        yield self._counted("firstline_writes", "Write-backs under way.", WRITE_BACK, ("pending", "sending", "parked"))
        yield self._remediations()
        yield from self._sources()
        yield from self._proofs()
        yield from self._use()
        yield from self._ledger()

    def _counted(self, name: str, help_: str, table: sa.Table, states: tuple[str, ...]) -> Metric:
        """By connection and state, of states that few rows have: what is done is not counted anew each time."""
        figure = GaugeMetricFamily(name, help_, labels=["connection", "state"])
        query = sa.select(table.c.connection, table.c.state, sa.func.count()).where(table.c.state.in_(states))
        for where, state, count in self._connection.execute(query.group_by(table.c.connection, table.c.state)):
            figure.add_metric([where, state], count)
        return figure

    def _remediations(self) -> Metric:
        figure = GaugeMetricFamily(
            "firstline_remediations_active", "Remediations that have not ended.", labels=["stage"]
        )
        query = sa.select(REMEDIATION.c.stage, sa.func.count()).where(REMEDIATION.c.active_key.is_not(None))
        for stage, count in self._connection.execute(query.group_by(REMEDIATION.c.stage)):
            figure.add_metric([stage], count)
        return figure

    def _sources(self) -> Iterable[Metric]:
        rows = self._connection.execute(sa.select(SOURCE).where(SOURCE.c.connection.in_(_DECLARED))).mappings().all()
        for column, help_ in (
            ("polled_at", "When a poll last came to its end."),
            ("pushed_at", "When a webhook last brought something."),
            ("cursor", "All before is here, by the vendor's clock."),
            ("verified_to", "Nothing opened before is missing."),
            ("silent_since", "Since when only polls bring what the webhook should."),
        ):
            figure = GaugeMetricFamily(
                f"firstline_source_{column}_seconds", f"{help_} Since 1970.", labels=["connection"]
            )
            for row in rows:
                if row[column] is not None:
                    figure.add_metric([row["connection"]], row[column].timestamp())
            yield figure

    def _proofs(self) -> Iterable[Metric]:
        rows = self._last_proofs()
        for column, help_ in (
            ("there", "Incidents that the vendor has in the period of the last completeness proof."),
            ("seen", "Of those, known before it began."),
            ("fetched", "Of those, brought by it."),
            ("hidden", "Counted by the vendor, not shown to our account."),
        ):
            figure = GaugeMetricFamily(f"firstline_reconciliation_{column}", help_, labels=["connection"])
            for row in rows:
                figure.add_metric([row["connection"]], row[column])
            yield figure

    def _last_proofs(self) -> list[Any]:
        last = sa.select(sa.func.max(RECONCILIATION.c.id)).where(RECONCILIATION.c.ended_at.is_not(None))
        last = last.where(RECONCILIATION.c.connection.in_(_DECLARED)).group_by(RECONCILIATION.c.connection)
        query = sa.select(RECONCILIATION).where(RECONCILIATION.c.id.in_(last))
        return list(self._connection.execute(query).mappings())

    def _use(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("firstline_requests", "Requests to the vendor.", labels=["connection"])
        left = GaugeMetricFamily("firstline_requests_left", "Of the budget, in this window.", labels=["connection"])
        for row in self._connection.execute(sa.select(BUDGET)).mappings():
            requests.add_metric([row["connection"]], row["total"])
            if row["limit"] is not None:
                left.add_metric([row["connection"]], max(0, row["limit"] - row["used"]))
        paused = GaugeMetricFamily(
            "firstline_connection_paused", "1: a person has to resume it.", labels=["connection"]
        )
        for row in self._connection.execute(sa.select(CONNECTION)).mappings():
            paused.add_metric([row["name"]], int(row["paused_at"] is not None))
        return requests, left, paused

    def _ledger(self) -> Iterable[Metric]:
        size = sa.select(sa.func.max(CHECKPOINT.c.size))
        waiting = sa.select(sa.func.count()).where(LEDGER.c.position.is_(None))
        for name, help_, query in (
            ("entries", "Entries in the tree of the last checkpoint.", size),
            ("waiting", "Entries without a place in the tree yet.", waiting),
        ):
            figure = GaugeMetricFamily(f"firstline_ledger_{name}", help_)
            figure.add_metric([], self._connection.execute(query).scalar() or 0)
            yield figure
        arrived = GaugeMetricFamily("firstline_ledger_published", "Entries of what arrived last.", labels=["place"])
        failed = GaugeMetricFamily("firstline_ledger_publish_failures", "Attempts since.", labels=["place"])
        for row in self._connection.execute(sa.select(PUBLICATION)).mappings():
            arrived.add_metric([row["place"]], row["size"])
            failed.add_metric([row["place"]], row["attempts"])
        yield from (arrived, failed)
