"""Refusals of requests: a status and a sentence on what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ClientLeft", "Refused"]


class Refused(Exception):
    """Refusal of a request as a whole.

    Attributes:
        status: of HTTP, 4xx or 503.
        sentence: what is wrong and what to do; it quotes nothing of the films.
        headers: that go with the answer.
    """

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})


class ClientLeft(Exception):
    """Signal that nobody waits for the answer any more."""
