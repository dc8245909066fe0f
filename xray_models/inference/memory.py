"""Memory of networks: each loaded once per process, the least recently used let go over budget."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Held"]


@dataclass(frozen=True)
class _Entry:
    value: Any
    size: Callable[[], int]


class Held:
    """Values by key, each made by whoever asks first."""

    def __init__(self, budget: Callable[[], int]) -> None:
        """Hold nothing yet.

        Args:
            budget: bytes that all values may take together; the one used last always stays.
        """
        self._budget = budget
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """The value of a key.

        Two who ask for the same wait for each other; nobody waits for what is made of another key.

        Args:
            key: of the value.
            make: makes it, where it is not held.
            size: bytes that it takes, asked again whenever another one comes.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            found = self._find(key)
            if found is None:
                value = make()
                found = _Entry(value, lambda: size(value))
                with self._lock:
                    self._entries[key] = found
            self._release()
        return found.value

    def names(self) -> list[str]:
        """Keys of the values that are held, least recently used first."""
        with self._lock:
            return list(self._entries)

    def _find(self, key: str) -> _Entry | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def _release(self) -> None:
        budget = self._budget()
        with self._lock:
            while len(self._entries) > 1:
                if sum(entry.size() for entry in self._entries.values()) <= budget:
                    return
                self._entries.popitem(last=False)
