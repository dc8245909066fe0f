"""Client of the REST service, with Python's own library only: films in, findings out.

client = Client("http://localhost:8501")
(film,) = client.read("film.dcm", overlay=True)
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

__all__ = ["Client", "ServiceError", "overlays"]


class ServiceError(RuntimeError):
    """Error of a request that the service refused, or that did not reach it.

    Attributes:
        status: of HTTP; 0 where there was no answer.
        retry_after: seconds after which to try again, where the service told them; else None.
    """

    def __init__(self, sentence: str, status: int = 0, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Client:
    """Client of one service; it keeps no connection, so threads may share it."""

    def __init__(self, address: str, key: str | None = None, timeout: float = 300) -> None:
        """Remember where the service is; nothing is sent yet.

        Args:
            address: such as http://localhost:8501, with the path that a proxy puts before it.
            key: where the service asks for one.
            timeout: seconds without an answer after which a request fails.

        Raises:
            ValueError: the address is not one of HTTP.
        """
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError(f"{address!r} must begin with http:// or https://.")
        self._address = address.rstrip("/")
        self._key = key
        self._timeout = timeout

    def read(
        self,
        *films: str | os.PathLike[str] | bytes,
        part: str | None = None,
        models: Sequence[str] = (),
        age: str | None = None,
        invert: bool = False,
        boxes: bool = False,
        overlay: bool = False,
        labels: Sequence[str] = (),
        method: str | None = None,
    ) -> list[dict[str, Any]]:
        """Read films in one request; docs/rest.md describes the options and the answer.

        Args:
            films: paths, or contents of files.

        Returns:
            One dict per film, in order: the fields of `classify.py --json`, or "error".

        Raises:
            ServiceError: the request as a whole was refused, or did not reach the service.
            OSError: a file cannot be read.
        """
        fields = [("model", one) for one in models] + [("label", one) for one in labels]
        fields += [(n, v) for n, v in (("part", part), ("age", age), ("method", method)) if v]
        switches = (("invert", invert), ("boxes", boxes), ("overlay", overlay))
        fields += [(name, "true") for name, on in switches if on]
        body, kind = _form(_opened(films), fields)
        return self._ask("/api/v1/read", body, kind)["films"]

    def models(self) -> list[dict[str, Any]]:
        """List the models. Raises `ServiceError` as `read` does."""
        return self._ask("/api/v1/models")

    def model(self, name: str) -> dict[str, Any]:
        """One model in full, by its id. Raises `ServiceError` as `read` does."""
        return self._ask(f"/api/v1/models/{quote(name, safe='')}")

    def ready(self) -> bool:
        """Whether the service takes a film now."""
        try:
            return self._ask("/ready")["status"] == "ready"
        except ServiceError:
            return False

    def _ask(self, path: str, body: bytes | None = None, kind: str = "") -> Any:
        headers = {"Accept": "application/json"}
        if kind:
            headers["Content-Type"] = kind
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = Request(self._address + path, body, headers)  # noqa: S310 - checked in __init__
        try:
            with urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            raise _refusal(error) from None
        except (URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise ServiceError(f"{self._address} does not answer ({reason}).") from None
        except ValueError:
            raise ServiceError(f"{self._address} does not answer with JSON.") from None


def overlays(film: dict[str, Any]) -> dict[tuple[str, str], bytes]:
    """Overlays of a film's answer as PNG: (model, label) -> content of a file."""
    return {
        (one["model"], one["label"]): base64.b64decode(one["png"])
        for one in film.get("overlays", ())
        if one.get("png")
    }


def _opened(films: Iterable[str | os.PathLike[str] | bytes]) -> Iterable[tuple[str, bytes]]:
    for number, film in enumerate(films, 1):
        if isinstance(film, bytes):
            yield f"film {number}", film
        else:
            yield Path(film).name, Path(film).read_bytes()


def _form(
    files: Iterable[tuple[str, bytes]], fields: Iterable[tuple[str, str]]
) -> tuple[bytes, str]:
    """A multipart form and its content type."""
    mark = uuid.uuid4().hex.encode()
    parts = [(f'form-data; name="{name}"', value.encode()) for name, value in fields]
    for name, content in files:
        # as browsers write names
        safe = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append((f'form-data; name="file"; filename="{safe}"', content))
    pieces = [
        b"--%s\r\nContent-Disposition: %s\r\n\r\n%s\r\n" % (mark, head.encode(), value)
        for head, value in parts
    ]
    body = b"".join(pieces) + b"--%s--\r\n" % mark
    return body, f"multipart/form-data; boundary={mark.decode()}"


def _refusal(error: HTTPError) -> ServiceError:
    wait = error.headers.get("Retry-After", "")
    retry_after = int(wait) if wait.isdigit() else None
    try:
        sentence = str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        sentence = f"The service answered {error.code} {error.reason}."
    return ServiceError(sentence, error.code, retry_after)
