"""Heatmaps: what in a film speaks for a target. One method a file; targets stand apart."""

from xray_models.explain.api import (
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
from xray_models.explain.methods import DEFAULT, METHODS, at_layer
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option
from xray_models.explain.pass_cache import Subject
from xray_models.explain.progress import Stopped

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
