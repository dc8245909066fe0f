"""Visitor of a page: somebody at the computer that serves it, or somebody elsewhere."""

from __future__ import annotations

import streamlit as st

__all__ = ["is_local"]

_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")


def is_local() -> bool:
    """Whether the visitor sits at the computer that serves: only then may folders be named."""
    if st.get_option("server.address") not in _LOCAL or st.context.ip_address is not None:
        return False
    headers = st.context.headers
    if any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip")):
        return False  # through a proxy, so it may be anybody
    host = headers.get("Host")
    return host is None or host.rpartition(":")[0] in _LOCAL or host in _LOCAL
