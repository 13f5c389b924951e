"""The contract between the hub and the code that speaks to one kind of external system.

A connector translates; it does not decide, wait, retry or store. The hub does all four, so a method here is called
again after a crash or an `Unavailable`, and must then find what the earlier call left (same key, same thing).

What each error causes, wherever a method raises it:

============== ======================================================================================================
`Unavailable`  tried again later with back-off, not before `retry_after`
`Unauthorized` the connection is paused and a person is told (from `verify`: the delivery is answered 401)
`Rejected`     parked for a person, with the vendor's own words
`Unknown`      a person decides; never tried again by itself
============== ======================================================================================================

Anything else is a defect of the connector: it is logged with its trace and treated like `Rejected`.
"""

from firstline.connector.alarm import Alarm, Announcement
from firstline.connector.change import (
    Approval,
    Blackout,
    ChangeDraft,
    ChangeState,
    ChangeType,
    Conflict,
    Evidence,
    Proposal,
    Standing,
)
from firstline.connector.contract import Attachments, ChangeRegister, Connector, Pager, SettingsT
from firstline.connector.delivery import Delivery, Page, Registration, Window
from firstline.connector.note import Attachment, Fact, Note
from firstline.connector.record import StateChange, Update
from firstline.connector.stand_in import SandboxSettings
from firstline.connector.value import Value
from firstline.finding import Finding

__all__ = [
    "Alarm",
    "Announcement",
    "Approval",
    "Attachment",
    "Attachments",
    "Blackout",
    "ChangeDraft",
    "ChangeRegister",
    "ChangeState",
    "ChangeType",
    "Conflict",
    "Connector",
    "Delivery",
    "Evidence",
    "Fact",
    "Finding",
    "Note",
    "Page",
    "Pager",
    "Proposal",
    "Registration",
    "SandboxSettings",
    "SettingsT",
    "Standing",
    "StateChange",
    "Update",
    "Value",
    "Window",
]
