"""The systems under study as small faithful models, and the patterns; no other room is known here."""

from overwritten.cases import detector, resnet
from overwritten.cases.detector_data import make_scenes, make_support
from overwritten.cases.patterns import EVERY
from overwritten.cases.resnet import relu_1_9
from overwritten.cases.slowfast import (
    ActionDetector,
    Config,
    FCPredictor,
    MLPFeatureExtractor,
    ReLUSavingInput,
    SlowFast,
    losses_of,
    mean_average_precision,
)
from overwritten.cases.slowfast_data import (
    NETWORK,
    collate,
    make_clips,
    names_of,
    pack,
    unpack,
    yolo_to_corners,
)

__all__ = [
    "EVERY", "NETWORK", "ActionDetector", "Config", "FCPredictor", "MLPFeatureExtractor",
    "ReLUSavingInput", "SlowFast", "collate", "detector", "losses_of", "make_clips", "make_scenes",
    "make_support", "mean_average_precision", "names_of", "pack", "relu_1_9", "resnet", "unpack",
    "yolo_to_corners",
]  # fmt: skip
