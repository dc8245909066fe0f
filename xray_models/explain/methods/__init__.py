"""Explanation methods, one a file, and the registry that lists them."""

from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option, Request
from xray_models.explain.methods.registry import DEFAULT, METHODS, at_layer, get

__all__ = ["DEFAULT", "METHODS", "Cost", "Method", "Option", "Request", "at_layer", "get"]
