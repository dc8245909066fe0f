"""Readers for a pool's processes: one that tells what a film cost, and some that misbehave."""

from __future__ import annotations

import ctypes
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from xray_models import radiograph
from xray_models.radiograph import Radiograph, UnreadableRadiograph


def read(content: bytes) -> Radiograph:
    """Read a film, and give what it cost and the sentence of a refusal instead of its pixels."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    idle, began = _memory("VmRSS"), time.process_time()
    cost = {"outcome": "read", "sentence": ""}
    film = Radiograph(np.zeros((1, 1), np.float32), "none")
    try:
        film = radiograph.read(content)
    except UnreadableRadiograph as error:
        cost |= {"outcome": "refused", "sentence": str(error)}
    seconds, peak = time.process_time() - began, _memory("VmHWM") - idle
    cost |= {"seconds": seconds, "bytes": peak, "format": film.source_format}
    return replace(film, pixels=film.pixels[:1, :1], source_format=json.dumps(cost))


def misbehave(content: bytes) -> Radiograph:
    """Do what the content says."""
    match content.decode():
        case "loop":
            while True:
                pass
        case "sleep":
            time.sleep(600)
        case "memory":
            np.ones(2**31, np.uint8)
        case "crash":
            ctypes.string_at(0)
        case "error":
            raise KeyError("DOE^JANE")
        case "write":
            Path("films").write_bytes(content)
        case "print":
            print("DOE^JANE", flush=True)
            os.write(2, b"DOE^JANE")
    return Radiograph(np.full((2, 3), 0.5, np.float32), str(os.getpid()), spacing_mm=(0.1, 0.2))


def _memory(kind: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = [line for line in lines if line.startswith(f"{kind}:")]
    return 1024 * int(found.split()[1])
