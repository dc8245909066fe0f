"""TensorFlow, Keras and OpenVINO kept quiet in commands: what they note is no part of an answer."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["quiet"]

_STDERR = 2
# of absl before it is set up: notices (I) and warnings (W) with their time, and what goes with them
_NOTICES = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:\d\d\.\d+ .*|[IW]0000 00:00:\d+\.\d+ .*"
    rb"|WARNING: All log messages before absl::InitializeLog\(\).*"
    rb"|To enable the following instructions: .*"
)
_NO_CUDA = re.compile(rb"E\d{4} .* failed call to cuInit: .*")


def quiet() -> None:
    """Silence notices and warnings of the libraries behind the networks; errors come through.

    Call it before the first of them is imported. It imports none itself. What the user's own
    environment asks for stands.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("OPENVINO_LOG_LEVEL", "0")
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for module in ("keras", "tensorflow", "openvino"):
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
    if not any(isinstance(finder, _TensorFlow) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlow())


class _TensorFlow(MetaPathFinder):
    """Finds TensorFlow as the others do, and imports it with stderr looked through.

    Its libraries write their first notices before they look at TF_CPP_MIN_LOG_LEVEL.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow" or "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
            return None
        if int(os.environ["TF_CPP_MIN_LOG_LEVEL"] or 0) < 2:
            return None  # the user wants to see them
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                _import_quietly(spec.loader)
                return spec
        return None


def _import_quietly(loader: Any) -> None:
    run = loader.exec_module

    def exec_module(module: Any) -> None:
        with _without_notices():
            run(module)
            module.config.list_physical_devices()  # says now what it would say later

    loader.exec_module = exec_module


@contextmanager
def _without_notices() -> Iterator[None]:
    """Hold back what is written to stderr, by Python or C++, and let out what is no notice."""
    sys.stderr.flush()
    real = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, _STDERR)
            os.close(real)
            held.seek(0)
            for line in held.read().splitlines(keepends=True):
                if not _notice(line.rstrip(b"\r\n")):
                    os.write(_STDERR, line)


def _notice(line: bytes) -> bool:
    """Whether a line says nothing that a user could act on."""
    if _NOTICES.fullmatch(line):
        return True
    # called an error, but only where there is a driver it is one
    return bool(_NO_CUDA.fullmatch(line)) and not Path("/proc/driver/nvidia").exists()
