"""The cache of converted networks filled by a process of its own, what is asked for first.

A server that starts for the first time stays free of TensorFlow that way, and its pages of the
work. `Filler` starts `python -m xray_models.inference.filler`; both talk in lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from xray_models import catalogue
from xray_models.catalogue import Card
from xray_models.inference import converted

__all__ = ["Filler", "missing"]

_log = logging.getLogger("radlens")
_NICENESS = 10


def missing(cards: Iterable[Card]) -> list[tuple[str, str]]:
    """What the cache lacks of some cards: (id of a model, step), every pass before any maps."""
    every = list(cards)
    return [
        (card.id, step)
        for step in converted.STEPS
        for card in every
        if not converted.filled(card, step)
    ]


class Filler:
    """A process that fills the cache, and ends when it is full."""

    def __init__(self) -> None:
        """Start it."""
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.done, self.total = 0, 0
        self._told = threading.Condition()
        self._over: set[tuple[str, str]] = set()
        self._ended = False
        threading.Thread(target=self._listen, name="filler", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether the process has ended, as it does when the cache is full."""
        return self._ended

    def expect(self, cards: Sequence[Card]) -> None:
        """Have some cards filled before all others; returns at once."""
        self._send({"first": [card.id for card in cards]})

    def make(self, card: Card, step: str) -> None:
        """Have a step of a card filled first, and wait until that is done or cannot be."""
        self.expect([card])
        with self._told:
            self._told.wait_for(lambda: self._ended or (card.id, step) in self._over)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process for some time; whether it has ended."""
        with self._told:
            return self._told.wait_for(lambda: self._ended, seconds)

    def end(self) -> None:
        """End the process; what it is at is lost, and nothing else."""
        self._process.kill()
        self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it has ended
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            with self._told:
                self.done, self.total = message["done"], message["total"]
                self._over |= {(model, step) for model, step in message["over"]}
                self._told.notify_all()
            if sentence := message.get("warning"):
                _log.warning("%s", sentence)
        self._process.wait()
        with self._told:
            self._ended = True
            self._told.notify_all()


def main() -> None:
    """Fill the cache with every model, in the order that stdin asks for; progress to stdout."""
    with contextlib.suppress(AttributeError, OSError):  # Windows has another way
        os.nice(_NICENESS)
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    cards = catalogue.catalogue()
    left = missing(cards.values())
    total = len(left)
    wishes: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(wishes,), daemon=True).start()

    def tell(over: Sequence[tuple[str, str]], warning: str = "") -> None:
        message = {"done": total - len(left), "total": total, "over": over, "warning": warning}
        print(json.dumps(message), file=answers, flush=True)

    tell(
        [(model, step) for model in cards for step in converted.STEPS if (model, step) not in left]
    )
    while left:
        with contextlib.suppress(queue.Empty):
            while True:
                first = wishes.get_nowait()
                if first is None:
                    return  # nobody listens any more
                left.sort(key=lambda one: _place(one, first))
        model, step = left.pop(0)
        try:
            converted.fill(cards[model], step)
            tell([(model, step)])
        except OSError as error:
            tell([(model, step), *left], converted.unwritable(error))
            return
        except (NotImplementedError, RuntimeError) as error:
            tell([(model, step)], f"{step.capitalize()} of {model} stays on TensorFlow: {error}")
    converted.sweep(cards.values())


def _place(one: tuple[str, str], first: Sequence[str]) -> int:
    """Place in the order of work: passes of what is asked for, then its maps, then the rest."""
    model, step = one
    if model not in first:
        return 2 * len(first)
    return first.index(model) + len(first) * converted.STEPS.index(step)


def _hear(wishes: queue.SimpleQueue[list[str] | None]) -> None:
    for line in sys.stdin:
        wishes.put(json.loads(line)["first"])
    wishes.put(None)


if __name__ == "__main__":
    main()
