"""Batches that the server keeps, so that a page that is loaded anew finds its own again.

A batch is found by a token that nobody can guess; it stands in the link of the page. All is in
memory: it is gone when the server stops, when nobody has looked for `KEPT` seconds, or when newer
batches need the room.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from pages.batching.state import Batch

__all__ = ["KEPT", "MOST_BATCHES", "MOST_BYTES", "Store", "StoreFull", "the_store"]

KEPT = 3600.0
"""Seconds that a batch is kept after somebody last looked at it."""
MOST_BATCHES = 16
"""Batches that are kept at a time; before one more comes, the one looked at longest ago goes."""
MOST_BYTES = 2 * 2**30
"""Bytes of uploads in all batches together."""


class StoreFull(ValueError):
    """There is no room for a batch; the message says what to do."""


class Store:
    """Store of batches by token, with limits on their number, their bytes and their time."""

    def __init__(
        self, kept: float = KEPT, batches: int = MOST_BATCHES, most_bytes: int = MOST_BYTES
    ) -> None:
        """Begin empty.

        Args:
            kept: seconds that a batch is kept after a look at it.
            batches: how many at most.
            most_bytes: of uploads in all of them; one batch alone may have more.
        """
        self._kept, self._most, self._most_bytes = kept, batches, most_bytes
        self._all: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def add(self, batch: Batch) -> str:
        """Keep a batch, and give the token that finds it.

        Raises:
            StoreFull: other batches are being scored, and leave no room.
        """
        self.sweep()
        with self._lock:
            gone = self._make_room(batch.bytes)
            token = secrets.token_urlsafe(24)
            self._all[token] = batch
        for one in gone:
            one.close()
        return token

    def get(self, token: str) -> Batch | None:
        """Batch of a token, or None where there is none; asking counts as looking."""
        self.sweep()
        with self._lock:
            found = self._all.get(token)
        if found is not None:
            found.look()
        return found

    def forget(self, token: str) -> None:
        """Stop a batch and let go of its films and results."""
        with self._lock:
            found = self._all.pop(token, None)
        if found is not None:
            found.close()

    def sweep(self) -> None:
        """Let go of batches that nobody has looked at for too long."""
        oldest = time.monotonic() - self._kept
        with self._lock:
            tokens = [token for token, batch in self._all.items() if batch.looked < oldest]
            gone = [self._all.pop(token) for token in tokens]
        for batch in gone:
            batch.close()

    def __len__(self) -> int:
        return len(self._all)

    def _make_room(self, size: int) -> list[Batch]:
        """Take out batches looked at longest ago, as many as must go; those at work stay."""
        gone: list[Batch] = []
        while self._all and not self._fits(size):
            idle = [token for token, batch in self._all.items() if not batch.running]
            if not idle:
                raise StoreFull(
                    "The server is scoring as many films as it can hold. Try again in some minutes."
                )
            gone.append(self._all.pop(min(idle, key=lambda token: self._all[token].looked)))
        return gone

    def _fits(self, size: int) -> bool:
        held = sum(batch.bytes for batch in self._all.values())
        return len(self._all) < self._most and held + size <= self._most_bytes


@st.cache_resource(show_spinner=False)
def the_store() -> Store:
    """The one store of this server, swept once a minute."""
    store = Store()

    def sweep() -> None:
        while True:
            time.sleep(60)
            store.sweep()

    threading.Thread(target=sweep, name="batches", daemon=True).start()
    return store
