"""Judge the picture of a camera: bytes in, a judgement with reasons out. Pure: no Django, no network."""

from monitor.vision.jpeg import Refused
from monitor.vision.judge import Judgement, held, judge
from monitor.vision.label import Label
from monitor.vision.model import JUDGES_FROM, CameraModel, extend, learn
from monitor.vision.picture import Picture, decode, thumbnail
from monitor.vision.teaching import forget, learnable
from monitor.vision.tone import Kind
from monitor.vision.trend import days_left, structure_lost

__all__ = [
    "JUDGES_FROM", "CameraModel", "Judgement", "Kind", "Label", "Picture", "Refused", "days_left",
    "decode", "extend", "forget", "held", "judge", "learn", "learnable", "structure_lost", "thumbnail",
]  # fmt: skip
