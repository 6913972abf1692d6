"""The journal's tables."""

from monitor.models.incidents import Event, Incident, Notification
from monitor.models.looks import Look, LookStep
from monitor.models.pictures import LearnedView, Picture, ViewWeek
from monitor.models.proposals import Proposal
from monitor.models.scheduling import Batch, PolicyRule, Pulse, Schedule, ZoneState
from monitor.models.states import DeviceHour, DeviceState, Passport, RawReading, Transition

__all__ = [
    "Batch",
    "DeviceHour",
    "DeviceState",
    "Event",
    "Incident",
    "LearnedView",
    "Look",
    "LookStep",
    "Notification",
    "Passport",
    "Picture",
    "PolicyRule",
    "Proposal",
    "Pulse",
    "RawReading",
    "Schedule",
    "Transition",
    "ViewWeek",
    "ZoneState",
]
