"""Suites for connectors. Subclass those that fit beside the connector, fill the abstract methods, and run pytest."""

from firstline.testing.connector.attachment import AttachmentsContract
from firstline.testing.connector.core import ConnectorContract
from firstline.testing.connector.meter import MeterContract
from firstline.testing.connector.poll import PollContract
from firstline.testing.connector.register import ChangeRegisterContract
from firstline.testing.connector.registration import RegistrationContract

__all__ = [
    "AttachmentsContract",
    "ChangeRegisterContract",
    "ConnectorContract",
    "MeterContract",
    "PollContract",
    "RegistrationContract",
]
