"""The journal's tables."""

from monitor.models.incidents import Event, Incident, Notification
from monitor.models.looks import Look, LookStep
from monitor.models.pictures import LearnedView, Picture
from monitor.models.scheduling import PolicyRule, Pulse, Schedule
from monitor.models.states import DeviceHour, DeviceState, Passport, Transition

__all__ = [
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
    "Pulse",
    "Schedule",
    "Transition",
]
