"""Films decoded in processes of their own: a hostile file ends as a sentence and harms nobody else.

`Pool.read` gives what `xray_models.radiograph.read` gives, bit for bit. What it adds are limits of
memory and time, and that a decoder that crashes or never ends takes one process down and no server.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from xray_models.radiograph import worker
from xray_models.radiograph.channel import Channel, shared_file, shared_memory
from xray_models.radiograph.reader import content_of
from xray_models.radiograph.types import MOST_PIXELS, Radiograph, UnreadableRadiograph

__all__ = ["READER", "Cause", "DecoderFailed", "Pool"]

READER = "xray_models.radiograph:read"
"""What a process calls for each film."""

Cause = Literal["memory", "time", "crash", "error"]

_MOST_SECONDS = 30.0  # by the clock, for a system that cannot limit processor time, or is very busy
_LONGEST_START = 120.0
_LOOKS_EVERY = 0.1
_MOST_TRIES = 3
_PIPE = 2**20
_SENTENCES: dict[Cause, str] = {
    "memory": (
        "Decoding this file takes more memory than any radiograph needs. It is damaged, or made "
        "to fill the memory. Export the radiograph again, or as PNG."
    ),
    "time": (
        f"Decoding this file takes more than {worker.MOST_SECONDS:.0f} seconds of processor time, "
        "more than any radiograph needs. It is damaged, or made to keep the processor busy. "
        "Export the radiograph again, or as PNG."
    ),
    "crash": (
        "The decoder broke down over this file, so the file is damaged or made to do that. "
        "Export the radiograph again, or as PNG."
    ),
    "error": (
        "The file is damaged, or encoded in a way that RadLens cannot decode. Export the "
        "radiograph again, or as PNG."
    ),
}


class DecoderFailed(UnreadableRadiograph):
    """A file was refused because decoding it broke a limit or the decoder.

    Attributes:
        cause: which: too much memory or time, a crash, or an exception that nobody foresaw.
    """

    def __init__(self, cause: Cause) -> None:
        super().__init__(_SENTENCES[cause])
        self.cause = cause


class _Left(Exception):
    """A process had ended by itself before it took the film: it had grown too large."""


class Pool:
    """A few processes that wait to decode; a context manager, for they end with it."""

    def __init__(self, size: int | None = None, reader: str = READER) -> None:
        """Start the processes; they become ready in the background.

        Args:
            size: how many films are decoded at the same time; by default one per processor, at
                most four.
            reader: "module:function" that each process calls with the content of a file.
        """
        self.size = size or min(4, os.cpu_count() or 1)
        self._reader = reader
        self._lock = threading.Lock()
        self._closed = False
        self._all: set[_Worker] = set()
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for _ in range(self.size):
            self._begin_one()

    def read(
        self,
        source: bytes | str | os.PathLike[str],
        waiting: Callable[[], object] | None = None,
        invert: bool = False,
    ) -> Radiograph:
        """Read a radiograph as `xray_models.radiograph.read` does, in another process.

        Args:
            source: content of a file, or a path.
            waiting: called ten times a second meanwhile. Whatever it raises ends the work at once
                and is passed on: so a visitor who leaves costs nothing.
            invert: exchange black and white.

        Raises:
            UnreadableRadiograph: for whatever cannot be read; the message is for people.
            DecoderFailed: of these, for a file that broke the limits or the decoder.
        """
        content = content_of(source)
        for _ in range(_MOST_TRIES):
            one = self._next(waiting)
            try:
                return one.read(content, invert, waiting)
            except _Left:
                continue
            finally:
                self._put_back(one)
        raise DecoderFailed("crash")

    @property
    def processes(self) -> set[int]:
        """Their process ids."""
        with self._lock:
            return {one.process.pid for one in self._all}

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            ending, self._all = self._all, set()
        for one in ending:
            one.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, waiting: Callable[[], object] | None) -> _Worker:
        """A process that has nothing to do, as soon as there is one."""
        while True:
            if self._closed:
                raise RuntimeError("This pool is closed.")
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=_LOOKS_EVERY)
            if waiting is not None:
                waiting()

    def _put_back(self, one: _Worker) -> None:
        if one.usable:
            self._idle.put(one)
            return
        with self._lock:
            self._all.discard(one)
        one.end()
        self._begin_one()

    def _begin_one(self) -> None:
        with self._lock:
            if self._closed:
                return
            one = _Worker(self._reader)
            self._all.add(one)
        self._idle.put(one)


class _Worker:
    """One process, and the thread that talks to it."""

    def __init__(self, reader: str) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, os.environ.get("PYTHONPATH", "")]
        # threads of BLAS reserve memory that the limit counts, and a film has no use for them
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        shared = shared_file()
        passed = () if shared is None else (shared,)
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", worker.__name__, reader, *map(str, passed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            pass_fds=passed,
        )
        self._shared = shared_memory(shared)
        self.usable = True
        self._ready = False
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], np.ndarray] | None]
        self._answers = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[tuple[bytes, bool] | None] = queue.SimpleQueue()
        _widen(self.process)
        threading.Thread(target=self._talk, name="decoder", daemon=True).start()

    def read(
        self, content: bytes, invert: bool, waiting: Callable[[], object] | None
    ) -> Radiograph:
        """What the process makes of a file."""
        try:
            if not self._ready:
                self._answer(_LONGEST_START, waiting)
                self._ready = True
            self._requests.put((content, invert))
            header, values = self._answer(_MOST_SECONDS, waiting)
        except BaseException:
            self.end()
            raise
        match header["kind"]:
            case "film":
                return _film(header, values)
            case "refused":
                raise UnreadableRadiograph(header["sentence"])
            case "memory":
                self.usable = False  # what it could not get may be lying about in pieces
                raise DecoderFailed("memory")
        raise DecoderFailed("error")

    def end(self) -> None:
        """End the process, whatever it does."""
        self.usable = False
        self.process.kill()
        self._requests.put(None)

    def _answer(
        self, longest: float, waiting: Callable[[], object] | None
    ) -> tuple[dict[str, Any], np.ndarray]:
        began = time.monotonic()
        while time.monotonic() - began < longest:
            try:
                answer = self._answers.get(timeout=_LOOKS_EVERY)
            except queue.Empty:
                if waiting is not None:
                    waiting()
                continue
            if answer is None:
                status = self.process.wait()
                raise _Left if status == 0 else DecoderFailed(_cause(status))
            return answer
        raise DecoderFailed("time")

    def _talk(self) -> None:
        """Pass films on and answers back until the process ends; never raises."""
        requests, answers = self.process.stdin, self.process.stdout
        assert isinstance(requests, BufferedWriter) and isinstance(answers, BufferedReader)
        channel = Channel(answers, requests, self._shared)
        # whatever goes wrong on a pipe, the process is of no use any more
        with contextlib.suppress(Exception):
            self._answers.put(channel.receive(0))
            while (request := self._requests.get()) is not None:
                content, invert = request
                channel.send({"invert": invert}, content)
                answer = channel.receive(4 * MOST_PIXELS)
                used = max(len(content), answer[1].nbytes)
                self._answers.put(answer)
                del request, content, answer  # films are large
                channel.forget(used)
        self.usable = False
        self.process.kill()
        for pipe in (requests, answers):
            with contextlib.suppress(OSError):
                pipe.close()
        self.process.wait()
        self._answers.put(None)


def _film(header: dict[str, Any], values: np.ndarray) -> Radiograph:
    known = {one.name for one in fields(Radiograph)}
    facts = {name: _tuples(value) for name, value in header["film"].items() if name in known}
    return Radiograph(values.view(np.float32).reshape(header["shape"]), **facts)


def _tuples(value: Any) -> Any:
    """JSON has lists only."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _cause(status: int) -> Cause:
    """Why a process ended, by its exit status: a timer's signal, or a crash."""
    import signal

    timers = {-getattr(signal, name, 0) for name in ("SIGPROF", "SIGXCPU")}
    return "time" if status < 0 and status in timers else "crash"


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Larger pipes, where the system has them: a film of 36 MB goes through in fewer pieces."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
