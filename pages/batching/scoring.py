"""Scoring of a batch in a thread of its own: it goes on while its page is loaded anew."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import traceback
from typing import TYPE_CHECKING

from pages.shared import decoding

if TYPE_CHECKING:
    from pages.batching.state import Batch

__all__ = ["ABANDONED", "AT_A_TIME", "THUMBNAIL", "Scoring"]

AT_A_TIME = 8  # films answered together: a stop is obeyed after as many
THUMBNAIL = 96  # pixels on the longer side
ABANDONED = 600.0
"""Seconds after which scoring ends that nobody looks at; it can be gone on with."""
_LOG = logging.getLogger(__name__)


class Scoring:
    """One run over the films of a batch that have no result yet."""

    def __init__(self, batch: Batch) -> None:
        """Start at once.

        Args:
            batch: gets the results, one after the other.
        """
        self._batch = batch
        self._wanted = threading.Event()
        self._wanted.set()
        self._thread = threading.Thread(target=self._run, name="batch", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    @property
    def wanted(self) -> bool:
        """Whether nobody has stopped it."""
        return self._wanted.is_set()

    def stop(self) -> None:
        """End before the next films."""
        self._wanted.clear()

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._score()
        except decoding.Unwanted:
            pass  # stopped while films were being decoded
        except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
            self._batch.problem = f"The films cannot be scored here now. {error}"
        except Exception as error:
            # without the message, which may name a file
            where = "".join(traceback.format_tb(error.__traceback__))
            _LOG.error("A batch ended by %s:\n%s", type(error).__name__, where)
            self._batch.problem = "Scoring broke off. Go on, or look into the log of the server."
        finally:
            self._wanted.clear()

    def _score(self) -> None:
        from xray_models.batch import score

        batch = self._batch
        done = {one.key for one in batch.scored}
        rest = (film for film in batch.films if film.key not in done)
        began, before = time.perf_counter(), batch.seconds
        with contextlib.closing(
            score.score(
                rest,
                batch.plan,
                window=AT_A_TIME,
                thumbnail=THUMBNAIL,
                read=decoding.in_threads(self._wanted.is_set),
            )
        ) as results:
            for scored in results:
                if not self._wanted.is_set():
                    return
                batch.scored.append(scored)
                batch.seconds = before + time.perf_counter() - began
                if time.monotonic() - batch.looked > ABANDONED:
                    self._wanted.clear()
