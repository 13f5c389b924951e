"""A stored delivery, as the connectors take it."""

from typing import Any

from firstline.connector import Delivery


def received(row: Any) -> Delivery:
    """`row`: of fl_delivery."""
    return Delivery(
        connection=row["connection"],
        key=row["key"],
        body=bytes(row["body"]),
        headers=row["headers"] or {},
        received_at=row["received_at"],
        polled=row["polled"],
    )
