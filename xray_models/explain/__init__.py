"""Explanation of predictions by heatmaps: methods, layers and targets, each chosen apart.

What only names methods needs no TensorFlow; what makes maps brings it when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from xray_models.explain.methods import DEFAULT, METHODS, MethodSpec
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option
from xray_models.explain.progress import Stopped

if TYPE_CHECKING:
    from xray_models.explain.api import (
        MethodSupport,
        cached_heat,
        cached_heats,
        default_layer,
        heat,
        heats,
        layers,
        maps,
        method_support,
        method_supports,
        pass_cache_of,
    )
    from xray_models.explain.pass_cache import PassCache

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
    "cached_heats",
    "default_layer",
    "heat",
    "heats",
    "layers",
    "maps",
    "method_support",
    "method_supports",
    "pass_cache_of",
]


def __getattr__(name: str) -> Any:
    """Hand on a name of the interface to the networks, which brings TensorFlow."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "pass_cache" if name == "PassCache" else "api"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
