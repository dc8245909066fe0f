"""What browsers are told with every answer: what a page may load, and who may show it.

Whatever text a link, a table or a film brings onto a page, it cannot load a picture or a script
from elsewhere, send anything elsewhere, or be shown inside somebody else's page.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["METRICS", "SafeHeaders", "policy"]

METRICS = "RADLENS_METRICS"
"""Environment variable: with "on", `/_stcore/metrics` answers, which tells how the app is used."""

_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class SafeHeaders:
    """Adds the headers to all answers, and gives none for what is switched off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = dict(_headers())
                kept = [one for one in message.get("headers", []) if one[0].lower() not in ours]
                message["headers"] = [*kept, *ours.items()]
            await send(message)

        if scope["path"].rstrip("/").endswith("/_stcore/metrics") and (
            os.environ.get(METRICS) != "on"
        ):
            await with_headers({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, with_headers)


@cache
def policy() -> str:
    """The content security policy that the app works under."""
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _SCRIPT.findall(index.read_bytes())
    ]
    rules = {
        "default-src": ["'self'"],
        # Streamlit's components are modules that it makes in the browser
        "script-src": ["'self'", "blob:", "'wasm-unsafe-eval'", *hashes],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


@cache
def _headers() -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"content-security-policy", policy().encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"referrer-policy", b"no-referrer"),
    )
