"""Kinds of front-end devices and what they hang on."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What a device is for (domain notes, section 1)."""

    ENTRANCE = "entrance", _("Entrance camera")
    KEY_ROAD = "key_road", _("Key road camera")
    FACADE = "facade", _("Facade camera")
    FIRE_LANE = "fire_lane", _("Fire lane camera")
    CAMERA = "camera", _("Other camera")
    LOUDSPEAKER = "loudspeaker", _("Loudspeaker")
    ACCESS_CONTROL = "access_control", _("Access control")
    BARRIER = "barrier", _("Barrier")
    RECORDER = "recorder", _("Recorder")
    SWITCH = "switch", _("Switch")
    ONU = "onu", _("ONU")


# Kinds that have a picture: the points that "can be seen clearly".
CAMERAS = (Kind.ENTRANCE, Kind.KEY_ROAD, Kind.FACADE, Kind.FIRE_LANE, Kind.CAMERA)
# Kinds that others hang on.
INFRASTRUCTURE = (Kind.RECORDER, Kind.SWITCH, Kind.ONU)
