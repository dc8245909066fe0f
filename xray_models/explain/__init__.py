"""Heatmaps: what in a film speaks for a target. One method a file; targets stand apart."""

from xray_models.explain.api import (
    MethodSupport,
    cached_heat,
    default_layer,
    heat,
    heats,
    layers,
    maps,
    method_supports,
    pass_cache_of,
)
from xray_models.explain.methods import DEFAULT, METHODS, at_layer
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option
from xray_models.explain.pass_cache import PassCache
from xray_models.explain.progress import Stopped

__all__ = [
    "DEFAULT",
    "METHODS",
    "Cost",
    "Method",
    "MethodSupport",
    "Option",
    "PassCache",
    "Stopped",
    "at_layer",
    "cached_heat",
    "default_layer",
    "heat",
    "heats",
    "layers",
    "maps",
    "method_supports",
    "pass_cache_of",
]
