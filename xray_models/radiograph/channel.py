"""Messages between the pool and a process that decodes: headers in pipes, pixels in shared memory.

4 bytes with the length of a header, the header as JSON, and `bytes` bytes of content: in memory
that both sides map, where that is there and large enough, else behind the header in the pipe. A
pipe takes content in pieces of its own size, which takes longer than all else that is passed on.

No pickle: the process that reads an attacker's file is not to be trusted with one.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter
from typing import Any

import numpy as np

__all__ = ["Channel", "shared_file", "shared_memory"]

_SHARED = 64 * 2**20  # bytes: 16 megapixels of float32; only what was in use takes memory
_length = struct.Struct("<I")


def shared_file() -> int | None:
    """Descriptor of a new file that has no name and lies in memory; None where there are none."""
    try:
        descriptor = os.memfd_create("films")
    except (AttributeError, OSError):  # Linux has them
        return None
    os.ftruncate(descriptor, _SHARED)
    return descriptor


def shared_memory(descriptor: int | None) -> np.ndarray | None:
    """Memory of a file of `shared_file`, as uint8; closes the descriptor."""
    if descriptor is None:
        return None
    try:
        return np.frombuffer(mmap.mmap(descriptor, _SHARED), np.uint8)
    finally:
        os.close(descriptor)


@dataclass
class Channel:
    """Two pipes and, where there is some, shared memory. One side sends, then the other answers.

    Attributes:
        source: pipe to receive from.
        target: pipe to send to.
        shared: uint8; None for none.
    """

    source: BufferedReader
    target: BufferedWriter
    shared: np.ndarray | None = None

    def send(self, header: dict[str, Any], content: Any = b"") -> None:
        """Send one message.

        Args:
            header: ready for JSON.
            content: anything with the buffer protocol, contiguous.
        """
        packed = memoryview(content).cast("B")
        shared = self.shared is not None and packed.nbytes <= self.shared.nbytes
        if self.shared is not None and shared:
            self.shared[: packed.nbytes] = packed
        written = json.dumps(header | {"bytes": packed.nbytes, "shared": shared}).encode()
        self.target.write(_length.pack(len(written)) + written)
        if not shared:
            self.target.write(packed)
        self.target.flush()

    def receive(self, most: int) -> tuple[dict[str, Any], np.ndarray]:
        """Receive one message: its header and a copy of its content as uint8.

        Raises:
            EOFError: the other side has closed the pipe.
            ValueError: the message does not follow the protocol, or its content exceeds `most`
                bytes.
        """
        size = self.source.read(_length.size)
        if len(size) < _length.size:
            raise EOFError
        header = json.loads(self.source.read(_length.unpack(size)[0]))
        if not isinstance(header, dict) or not 0 <= header["bytes"] <= most:
            raise ValueError("This message does not follow the protocol.")
        if header["shared"]:
            if self.shared is None or header["bytes"] > self.shared.nbytes:
                raise ValueError("This message does not follow the protocol.")
            return header, self.shared[: header["bytes"]].copy()
        content = np.empty(header["bytes"], np.uint8)
        left = content.data
        while left:
            count = self.source.readinto(left)
            if not count:
                raise EOFError
            left = left[count:]
        return header, content

    def forget(self, count: int) -> None:
        """Overwrite the first bytes of the shared memory, so that the next film's reader has one.

        Args:
            count: bytes of the content that was received.
        """
        if self.shared is not None:
            self.shared[:count] = 0
