"""Everything of RadLens that is not a screen."""

__all__ = ["BONE_PARTS", "NONE_OF_THESE", "PARTS", "__version__"]

__version__ = "0.2.0"
"""The version, as in pyproject.toml."""

PARTS = ("chest", "elbow", "finger", "forearm", "hand", "humerus", "shoulder", "wrist")
"""Body parts that RadLens reads; the seven bone parts are MURA's study types."""

BONE_PARTS = PARTS[1:]
"""The seven upper-limb parts."""

NONE_OF_THESE = "none of these"
"""The body-part detector's ninth class."""
