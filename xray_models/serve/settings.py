"""Settings of the REST service, from the environment, checked before it starts."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["METRICS", "Settings", "SettingsError", "from_environment", "hashed", "new_key"]

METRICS = "RADLENS_METRICS"
"""Environment variable: with "on", `/metrics` answers, which tells how the service is used."""

_KEY_LINE = re.compile(r"(?P<name>[\w.-]{1,64}):(?P<digest>[0-9a-f]{64})")
_ORIGIN = re.compile(r"https?://[^\s/*]+")


class SettingsError(ValueError):
    """Error of a setting that cannot be used; it names the variable and says what it may be."""


@dataclass(frozen=True)
class Settings:
    """Settings of the service, with what holds where nobody sets anything.

    Attributes:
        enabled: whether the dashboard serves the addresses of REST beside its pages.
        keys: name -> SHA-256 of a key, in hexadecimal digits; without any, no key is asked for.
        most_files: files in one request.
        most_megabytes: of one request.
        rate: requests a minute of one key, or of one address without keys; 0 for no limit.
        workers: requests whose films are read at the same time.
        waiting: further requests that are taken in; those after them are answered with 429.
        seconds: that the films of one request may take together.
        body_seconds: that a request may take to arrive.
        origins: of web pages elsewhere that may ask (CORS); none by default.
        metrics: whether `/metrics` answers.
        log: whether a line is logged for each request.
    """

    enabled: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    most_files: int = 16
    most_megabytes: int = 100
    rate: int = 60
    workers: int = 1
    waiting: int = 15
    seconds: int = 120
    body_seconds: int = 60
    origins: tuple[str, ...] = ()
    metrics: bool = False
    log: bool = True

    def key_name(self, key: str) -> str | None:
        """Name of a key; None where it is unknown."""
        digest = hashed(key)
        found = [name for name, one in self.keys.items() if hmac.compare_digest(digest, one)]
        return found[0] if found else None


_NUMBERS = {
    "RADLENS_API_FILES": ("most_files", 1, 1000),
    "RADLENS_API_MEGABYTES": ("most_megabytes", 1, 2000),
    "RADLENS_API_RATE": ("rate", 0, 100_000),
    "RADLENS_API_WORKERS": ("workers", 1, 64),
    "RADLENS_API_WAITING": ("waiting", 0, 1000),
    "RADLENS_API_SECONDS": ("seconds", 1, 86_400),
    "RADLENS_API_BODY_SECONDS": ("body_seconds", 1, 3600),
}
_SWITCHES = {"RADLENS_API": ("enabled", True), "RADLENS_API_LOG": ("log", True)}


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; docs/rest.md lists the variables.

    Args:
        environment: variables by name; those of this process by default.

    Raises:
        SettingsError: one of them cannot be used.
    """
    known = os.environ if environment is None else environment
    chosen: dict[str, Any] = {
        name: _number(known, variable, low, high)
        for variable, (name, low, high) in _NUMBERS.items()
        if known.get(variable, "").strip()
    }
    chosen |= {
        name: _switch(known, variable, usual) for variable, (name, usual) in _SWITCHES.items()
    }
    return Settings(
        keys=_keys(known.get("RADLENS_API_KEYS", "").strip()),
        origins=_origins(known.get("RADLENS_API_ORIGINS", "")),
        metrics=_switch(known, METRICS, False),
        **chosen,
    )


def hashed(key: str) -> str:
    """SHA-256 of a key, in hexadecimal digits.

    Keys are random and long, so that no slow hash is needed to keep them from being guessed.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(name: str) -> tuple[str, str]:
    """A new random key, and the line for the file that `RADLENS_API_KEYS` names.

    Args:
        name: letters, digits, dots, hyphens and underscores; logs call the key by it.

    Raises:
        SettingsError: the name holds something else.
    """
    key = secrets.token_urlsafe(32)
    line = f"{name}:{hashed(key)}"
    if not _KEY_LINE.fullmatch(line):
        raise SettingsError(
            f"A key cannot be called {name!r}. Use up to 64 letters, digits, dots and hyphens."
        )
    return key, line


def _number(known: Mapping[str, str], variable: str, low: int, high: int) -> int:
    text = known[variable].strip()
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise SettingsError(
            f"{variable} is {text!r}; it must be a whole number from {low} to {high}."
        )
    return int(text)


def _switch(known: Mapping[str, str], variable: str, usual: bool) -> bool:
    text = known.get(variable, "").strip().lower()
    if text not in ("", "on", "off"):
        raise SettingsError(f"{variable} is {text!r}; it must be on or off.")
    return usual if not text else text == "on"


def _keys(file: str) -> dict[str, str]:
    if not file:
        return {}
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"RADLENS_API_KEYS is {file!r}, which cannot be read as text. Name the file of keys; "
            "`radlens serve --new-key NAME` makes a line of it."
        ) from None
    found = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        parts = _KEY_LINE.fullmatch(text)
        if parts is None:
            raise SettingsError(
                f"{file}, line {number}: this is no key. A line is NAME:SHA256, as "
                "`radlens serve --new-key NAME` makes it."
            )
        found[parts["name"]] = parts["digest"]
    if not found:  # else an empty file would let everybody in
        raise SettingsError(
            f"RADLENS_API_KEYS is {file!r}, which holds no key. Add a line that `radlens serve "
            "--new-key NAME` makes, or unset it."
        )
    return found


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"RADLENS_API_ORIGINS names {origin!r}; name origins such as "
                "https://viewer.example.org, with commas between them."
            )
    return found
