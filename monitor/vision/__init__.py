"""Judge the picture of a camera: bytes in, a judgement with reasons out. Pure: no Django, no network."""

from monitor.vision.jpeg import Refused
from monitor.vision.judge import Judgement, judge
from monitor.vision.label import Label
from monitor.vision.model import CameraModel, extend, learn
from monitor.vision.picture import Picture, decode, thumbnail
from monitor.vision.trend import days_left, structure_lost

__all__ = [
    "CameraModel", "Judgement", "Label", "Picture", "Refused", "days_left", "decode", "extend", "judge", "learn",
    "structure_lost", "thumbnail",
]  # fmt: skip
