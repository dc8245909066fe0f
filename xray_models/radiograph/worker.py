"""The process that decodes uploads: reads one film after the other from a pipe, within limits.

`python -m xray_models.radiograph.worker MODULE:FUNCTION [SHARED]`, started by
`xray_models.radiograph.pool`; SHARED is the descriptor of a file in memory to answer through.
A film that takes too much memory or processor time, or that crashes a decoder, ends this process
and nothing else. Nothing is written to disk, no core dump and no log, for films are patient data.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from xray_models.radiograph.channel import Channel, shared_memory
from xray_models.radiograph.types import Radiograph, UnreadableRadiograph

__all__ = ["MOST_MEMORY", "MOST_SECONDS", "as_header", "main"]

MOST_SECONDS = 5.0
"""Processor time for one film; a timer of the system ends the process beyond."""
MOST_MEMORY = 2**30
"""Bytes above what the process has when it waits."""
_KEPT = 2**27
"""Bytes more than at the start that a process may hold on to between two films."""
_LOOKS_EVERY = 0.02


def main(reader: str, shared: int | None = None) -> None:
    """Answer requests until the other side closes the pipe.

    Args:
        reader: "module:function", which takes the content of a file, and `invert` where black and
            white are to be exchanged, and gives a `Radiograph`.
        shared: descriptor of a file in memory that the other side maps too.
    """
    # who interrupts the parent, as `score`, wants what is decoded: this process ends with its pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = _take_pipes(shared)
    module, _, function = reader.partition(":")
    read: Callable[..., Radiograph] = getattr(importlib.import_module(module), function)
    films: queue.SimpleQueue[tuple[bytes, bool]] = queue.SimpleQueue()
    for needed in ("dicom", "image", "negative"):  # which are imported by the first film otherwise
        importlib.import_module(f"xray_models.radiograph.{needed}")
    idle = _size()
    _limit(idle)
    # a thread of its own: when the parent ends, this process does at once, whatever it decodes
    threading.Thread(target=_take, args=(channel, films), daemon=True).start()
    channel.send({"kind": "ready"})
    while True:
        _answer(read, *films.get(), channel)
        if _size() > idle + _KEPT:
            gc.collect()
            if _size() > idle + _KEPT:
                # what is left would lack for the next film: the pool begins another. Without the
                # end of an interpreter, which would wait for the thread that reads
                os._exit(0)


def as_header(film: Radiograph) -> dict[str, Any]:
    """Everything of a film but its pixels, ready for JSON."""
    return {one.name: getattr(film, one.name) for one in fields(film) if one.name != "pixels"}


def _answer(
    read: Callable[..., Radiograph], content: bytes, invert: bool, channel: Channel
) -> None:
    began = time.process_time()
    _time_left(MOST_SECONDS)
    header: dict[str, Any]
    pixels: Any = b""
    try:
        film = read(content, invert=True) if invert else read(content)
        pixels = np.ascontiguousarray(film.pixels, np.float32)
        header = {"kind": "film", "shape": pixels.shape, "film": as_header(film)}
    except UnreadableRadiograph as error:
        header = {"kind": "refused", "sentence": str(error)}
    except MemoryError:
        header = {"kind": "memory"}
    except Exception as error:
        # its text may quote the file, its type cannot
        header = {"kind": "error", "error": type(error).__name__}
    _time_left(0)
    header |= {"seconds": time.process_time() - began}
    channel.send(header, pixels)


def _take(channel: Channel, films: queue.SimpleQueue[tuple[bytes, bool]]) -> None:
    try:
        while True:
            header, content = channel.receive(2**31)
            films.put((content.tobytes(), header["invert"]))
    finally:
        os._exit(0)


def _take_pipes(shared: int | None) -> Channel:
    """The pipes, out of the reach of whatever else reads or prints."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return Channel(requests, answers, shared_memory(shared))


def _time_left(seconds: float) -> None:
    """Let the system end this process after so much processor time; 0 lets it be."""
    if hasattr(signal, "setitimer"):  # not on Windows, where the pool's clock has to do
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(idle: int) -> None:
    """Limit memory, and forbid files and core dumps, as far as the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (0, 0))
    if sys.platform == "linux":
        most = idle + MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    else:  # macOS knows the limit and does not keep it
        threading.Thread(target=_watch_memory, daemon=True).start()


def _watch_memory() -> None:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < idle + MOST_MEMORY:
        time.sleep(_LOOKS_EVERY)
    os._exit(1)


def _size() -> int:
    """Bytes of address space in use, which is what the limit counts; 0 where nobody tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
