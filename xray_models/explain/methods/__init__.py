"""Explanation methods, one a file, their registry, and the text that specifies one."""

from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.method import Method, Option, Request
from xray_models.explain.methods.registry import DEFAULT, METHODS, get, objection, passes
from xray_models.explain.methods.spec import FUSIONS, MethodSpec

__all__ = [
    "DEFAULT",
    "FUSIONS",
    "METHODS",
    "Cost",
    "Method",
    "MethodSpec",
    "Option",
    "Request",
    "get",
    "objection",
    "passes",
]
