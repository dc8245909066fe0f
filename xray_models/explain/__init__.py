"""Heatmaps: what in a film speaks for a target. One method a file; targets stand apart."""

from xray_models.explain.heats import (
    Offer,
    default_layer,
    heat,
    heat_kept,
    heats,
    layers,
    maps,
    offers,
    subject_of,
)
from xray_models.explain.methods import DEFAULT, METHODS, Cost, Method, Option, at_layer
from xray_models.explain.subject import Subject
from xray_models.explain.work import Stopped

__all__ = [
    "DEFAULT",
    "METHODS",
    "Cost",
    "Method",
    "Offer",
    "Option",
    "Stopped",
    "Subject",
    "at_layer",
    "default_layer",
    "heat",
    "heat_kept",
    "heats",
    "layers",
    "maps",
    "offers",
    "subject_of",
]
