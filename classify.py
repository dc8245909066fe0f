"""The one pipeline, for scripts and from a shell: `xray_models.pipeline` under its old name.

python classify.py FILE... [--json] [--part PART] [--model MODEL]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xray_models.pipeline import (
        CannotClassify,
        ChosenModel,
        Finding,
        Reading,
        at_odds,
        explain,
        read,
        route,
        warm,
    )

__all__ = [
    "CannotClassify",
    "ChosenModel",
    "Finding",
    "Reading",
    "at_odds",
    "explain",
    "read",
    "route",
    "warm",
]


def __getattr__(name: str) -> Any:
    """Hand on a public name; the pipeline brings TensorFlow, which `--help` can do without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from xray_models import pipeline

    return getattr(pipeline, name)


if __name__ == "__main__":
    from xray_models.commands.classify import classify_command

    classify_command()
