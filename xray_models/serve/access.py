"""Access to the service: keys where they are configured, a rate for each client, no other sites."""

from __future__ import annotations

import base64
import binascii
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.requests import Request

from xray_models.serve.refusals import Refused
from xray_models.serve.settings import Settings

__all__ = ["Access"]

_MOST_CLIENTS = 10_000
_ASK = {"WWW-Authenticate": 'Basic realm="RadLens: any name, the key as password", charset="UTF-8"'}


class Access:
    """Check of who asks, and how often; a bucket of tokens for each client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, request: Request) -> None:
        """Let a request through.

        Raises:
            Refused: it comes from a page of another site, without a known key, or too soon.
        """
        self._check_site(request)
        client = request.client.host if request.client else ""
        if self._settings.keys:
            name = self._settings.key_name(_key(request))
            if name is None:
                self._spend(f"unknown {client}")  # guessing is limited too
                raise Refused(
                    401,
                    "This service asks for a key, and there is no such key. Send it as "
                    "Authorization: Bearer KEY.",
                    _ASK,
                )
            client = f"key {name}"
        self._spend(client)

    def _check_site(self, request: Request) -> None:
        """Refuse what a page of another site makes a browser send, unless it may ask."""
        origin = request.headers.get("origin", "")
        if origin in self._settings.origins and origin:
            return
        site = request.headers.get("sec-fetch-site", "")
        elsewhere = site in ("cross-site", "same-site")
        if not site and origin:  # browsers of before 2023
            elsewhere = urlsplit(origin).netloc != request.headers.get("host", "")
        if elsewhere and request.method not in ("GET", "HEAD", "OPTIONS"):
            raise Refused(
                403,
                "Pages of other sites may not ask this service. RADLENS_API_ORIGINS names those "
                "that may.",
            )

    def _spend(self, client: str) -> None:
        """Take a token of a client's; there come as many a minute as the rate allows."""
        rate = self._settings.rate
        if not rate:
            return
        now = time.monotonic()
        left, seen = self._buckets.pop(client, (float(rate), now))
        left = min(float(rate), left + (now - seen) * rate / 60)
        self._buckets[client] = (max(left - 1, 0.0) if left >= 1 else left, now)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        if left < 1:
            seconds = max(1, round((1 - left) * 60 / rate))
            raise Refused(
                429,
                f"More than {rate} requests a minute. Try again in {seconds} seconds.",
                {"Retry-After": str(seconds)},
            )


def _key(request: Request) -> str:
    """The key that a request brings: X-API-Key, a bearer token, or a password; else empty."""
    if key := request.headers.get("x-api-key"):
        return key
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            told = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return told.partition(":")[2]
    return ""
