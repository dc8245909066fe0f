"""Files from fixed addresses: fetched with resume, and kept only if they are the ones meant.

What came before a connection broke stays beside the file as `.part`, and the next call goes on from
there (HTTP range requests, RFC 9110). The package pooch, which fetches the sample films, starts
large files anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import requests

from xray_models.importers.checkpoints import RemoteFile

__all__ = ["Cancelled", "FetchError", "Progress", "fetch", "git_blob"]

Progress = Callable[[int, int], None]
"""Called with (bytes here, bytes in all) after each piece; in all is 0 where nobody knows."""

_TIMEOUT = (10, 30)  # seconds: to connect, and between two pieces
_PIECE = 2**16
_TRIES = 4  # in a row that bring nothing


class FetchError(RuntimeError):
    """A file cannot be had; the message says why and what to do."""


class Cancelled(FetchError):
    """Fetching was stopped on request; what came is kept for the next time."""


def fetch(
    file: RemoteFile,
    folder: Path,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Path:
    """Fetch a file into a folder, or find it there.

    Args:
        file: which, and how to know it.
        folder: made if absent.
        progress: told how far it is.
        stop: asked before each piece.

    Returns:
        Its path.

    Raises:
        FetchError: the server cannot be reached, has no such file, or sends another one.
        Cancelled: it was stopped.
        OSError: the folder cannot be written.
    """
    path = folder / file.name
    if path.is_file() and _is_meant(path, file):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"
    idle = 0
    while idle < _TRIES:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _continue(file, part, before, progress, stop)
            break
        except requests.RequestException as error:
            come = part.stat().st_size if part.is_file() else 0
            idle = 0 if come > before else idle + 1
            failure: Exception = error
    else:
        raise FetchError(_unreachable(file, part)) from failure
    if not _is_meant(part, file):
        part.unlink()
        raise FetchError(
            f"What came for {file.name} is not the file that is meant, so it was thrown away. Try "
            "again later."
        )
    part.replace(path)
    return path


def git_blob(path: Path) -> str:
    """Git's id of a file's content: SHA-1 of "blob SIZE", a zero byte and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _is_meant(path: Path, file: RemoteFile) -> bool:
    if path.stat().st_size > file.most_bytes:
        return False
    return not file.blob or git_blob(path) == file.blob


def _continue(
    file: RemoteFile,
    part: Path,
    begin: int,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> None:
    """Fetch what is missing, from the server's answer to one request."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
    with requests.get(file.url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if file.blob and _is_meant(part, file):
                return
            part.unlink()  # longer than the file, so of another one
            raise requests.ConnectionError("begin anew")
        if not answer.ok:
            raise FetchError(_answered(file, answer.status_code))
        if file.url.startswith("https:") and not answer.url.startswith("https:"):
            raise FetchError(f"{file.name}: its address leads to one without encryption.")
        if answer.status_code != requests.codes.partial_content:
            begin = 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = begin + length if length else 0
        _write(file, part, begin, total, answer, progress, stop)
        if total and part.stat().st_size < total:
            raise requests.ConnectionError("the connection ended early")


def _write(
    file: RemoteFile,
    part: Path,
    begin: int,
    total: int,
    answer: requests.Response,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> None:
    if max(begin, total) > file.most_bytes:
        raise FetchError(_too_large(file))
    with part.open("r+b" if begin else "wb") as stream:
        stream.seek(begin)
        for piece in answer.iter_content(_PIECE):
            if stop is not None and stop():
                raise Cancelled(f"Stopped. What came of {file.name} is kept for the next time.")
            stream.write(piece)
            if stream.tell() > file.most_bytes:
                raise FetchError(_too_large(file))
            if progress is not None:
                progress(stream.tell(), total)


def _host(file: RemoteFile) -> str:
    return file.url.split("/")[2]


def _unreachable(file: RemoteFile, part: Path) -> str:
    kept = part.stat().st_size if part.is_file() else 0
    goes_on = f" The first {kept / 1e6:.1f} MB are kept; the next try goes on there." * bool(kept)
    return (
        f"{file.name} could not be fetched from {_host(file)}: this machine may be offline, or the "
        f"server busy.{goes_on}"
    )


def _answered(file: RemoteFile, status: int) -> str:
    gone = status in (requests.codes.not_found, requests.codes.gone)
    why = "no longer has it" if gone else f"answered with the error {status}"
    return f"{file.name} could not be fetched: {_host(file)} {why}. Its address is {file.url}"


def _too_large(file: RemoteFile) -> str:
    return f"{file.name} is larger than {file.most_bytes:,} bytes, so it is not the file meant."
