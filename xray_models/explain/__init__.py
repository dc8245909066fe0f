"""Explanation of predictions by heatmaps: methods, layers and targets, each chosen apart."""

from xray_models.explain.api import (
    MethodSupport,
    cached_heat,
    default_layer,
    heat,
    heats,
    layers,
    maps,
    method_support,
    method_supports,
    pass_cache_of,
)
from xray_models.explain.methods import DEFAULT, METHODS, MethodSpec
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option
from xray_models.explain.pass_cache import PassCache
from xray_models.explain.progress import Stopped

__all__ = [
    "DEFAULT",
    "METHODS",
    "Cost",
    "Method",
    "MethodSpec",
    "MethodSupport",
    "Option",
    "PassCache",
    "Stopped",
    "cached_heat",
    "default_layer",
    "heat",
    "heats",
    "layers",
    "maps",
    "method_support",
    "method_supports",
    "pass_cache_of",
]
