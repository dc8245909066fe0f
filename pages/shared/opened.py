"""Film that a visitor opened: its key, and where its content comes from."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from xray_models.datasets import samples

__all__ = ["ANY_AGE", "AS_RECOGNIZED", "INVERTED", "Opened", "forget_settings"]

AS_RECOGNIZED = "as recognized"
ANY_AGE = "age unknown"
INVERTED = " inverted"
"""At the end of the key of a film whose black and white are exchanged."""


class Opened(NamedTuple):
    """Film that is open: a key that is new with every film, and the file if not a sample."""

    key: str
    upload: bytes | None = None
    name: str = ""  # only where another page gave one to show

    @property
    def file(self) -> str:
        """Key of the file alone, however it is shown; the name of a sample."""
        return self.key.removesuffix(INVERTED)

    def content(self) -> bytes:
        """Content of the file."""
        return samples.content(self.file) if self.upload is None else self.upload


def forget_settings() -> None:
    """Forget what was said about the film before: a new one is not given its corrections."""
    state = st.session_state
    state.part, state.age, state.invert, state.truth = AS_RECOGNIZED, ANY_AGE, False, False
