"""Legacy links: those shared before a setting had a name for each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

__all__ = ["take_over"]

_Value = TypeVar("_Value")


def take_over(old: str, key: str, options: Mapping[_Value, str], several: bool = False) -> bool:
    """Let a widget that is bound to the link begin with what an older link says.

    Call it before the widget is drawn. What the link says is taken once, by the first widget that
    asks; words that are no option are passed over, as Streamlit does with its own.

    Args:
        old: name in older links.
        key: of the widget.
        options: value -> its words in the link.
        several: whether the widget takes a list.

    Returns:
        Whether the widget has its value by now, and must not be given one to begin with.
    """
    said = st.query_params.get_all(old)
    if not said:
        return False
    del st.query_params[old]
    found = [value for value, words in options.items() if words in said]
    if not found or key in st.query_params or key in st.session_state:
        return False
    st.session_state[key] = found if several else found[0]
    st.query_params[key] = [options[value] for value in found] if several else options[found[0]]
    return True
