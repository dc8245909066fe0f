"""Downloads from object storage and web servers through fsspec: gs://, s3://, http(s)://.

Files come side by side, in pieces. One that was interrupted goes on where it stopped, one that is
there with the right size is left, and one that fails is tried again, then named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from xray_models.datasets.collect.parallel import as_done
from xray_models.datasets.collect.unzip import unzip
from xray_models.datasets.problems import DataSetError

__all__ = ["Downloads", "Remote", "download", "in_bucket", "in_list"]

_PIECE = 2**20
_TRIES = 4
_SCHEMES = ("gs", "gcs", "s3", "http", "https", "file", "memory")


@dataclass(frozen=True)
class Remote:
    """File to fetch.

    Attributes:
        url: with its scheme.
        name: path below the output folder, with "/".
    """

    url: str
    name: str


@dataclass
class Downloads:
    """Counts of a download.

    Attributes:
        fetched: files; `bytes` of them.
        bytes: that came over the network.
        before: files that were there already.
        unpacked: files out of archives.
        problems: url -> why it could not be fetched or unpacked.
    """

    fetched: int = 0
    bytes: int = 0
    before: int = 0
    unpacked: int = 0
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Fetched:
    remote: Remote
    bytes: int = 0
    before: bool = False
    unpacked: int = 0
    problem: str = ""


def in_bucket(bucket: str, anonymous: bool = False) -> Iterator[Remote]:
    """Files below an address of object storage, found folder by folder while they are fetched.

    Args:
        bucket: such as "gs://name/folder".
        anonymous: ask without credentials, as for public buckets.

    Raises:
        DataSetError: the scheme is unknown, its package is missing, or nothing is there.
    """
    system, root = _system(bucket, anonymous)
    scheme = bucket.partition("://")[0]
    count = 0
    try:
        for place, _, files in system.walk(root):
            for name in sorted(files):
                path = f"{place.rstrip('/')}/{name}"
                inside = path[len(root) :].lstrip("/") if path.startswith(root) else name
                count += 1
                yield Remote(path if "://" in path else f"{scheme}://{path.lstrip('/')}", inside)
    except (OSError, ValueError) as error:
        raise DataSetError(
            f"{bucket}: cannot be listed ({error}). Check address and rights."
        ) from (error)
    if not count:
        raise DataSetError(f"{bucket}: nothing is there. Check the address.")


def in_list(listed: Path) -> Iterator[Remote]:
    """Files of a text file with an address a line; blank lines and lines with # are passed over.

    A file is called as the end of its address says.

    Raises:
        DataSetError: a line is no address, or two files would have the same name.
    """
    seen: dict[str, int] = {}
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataSetError(f"{listed}: cannot be read as a list of addresses ({error}).") from error
    for number, line in enumerate(lines, 1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        parts = urlsplit(url)
        name = PurePosixPath(unquote(parts.path)).name
        if parts.scheme not in _SCHEMES or not name or name in (".", ".."):
            raise DataSetError(
                f"{listed}, line {number}: {url!r} is no address of a file. Write one a line, "
                f"beginning with {', '.join(f'{one}://' for one in _SCHEMES[:5])}."
            )
        if name in seen:
            raise DataSetError(
                f"{listed}, line {number}: {name} is also the name of line {seen[name]}. Fetch "
                "them into two folders."
            )
        seen[name] = number
        yield Remote(url, name)
    if not seen:
        raise DataSetError(f"{listed}: lists no address.")


def download(
    remotes: Iterator[Remote],
    out: Path,
    workers: int = 4,
    unpack: bool = False,
    anonymous: bool = False,
    wait: float = 1.0,
    progress: Callable[[Downloads], None] = lambda _: None,
) -> Downloads:
    """Fetch files into a folder.

    Args:
        remotes: as `in_bucket` and `in_list` give them.
        out: folder to write; made if absent.
        workers: files fetched at the same time.
        unpack: unpack ZIP archives, each into a folder beside it.
        anonymous: ask without credentials.
        wait: seconds before the second try; each further one waits twice as long.
        progress: told after each file.

    Raises:
        DataSetError: as of the list.
    """
    out.mkdir(parents=True, exist_ok=True)
    count = Downloads()

    def one(remote: Remote) -> _Fetched:
        return _fetched(remote, out, unpack, anonymous, wait)

    for result in as_done(one, remotes, workers):
        count.bytes += result.bytes
        count.unpacked += result.unpacked
        if result.problem:
            count.problems[result.remote.url] = result.problem
        elif result.before:
            count.before += 1
        else:
            count.fetched += 1
        progress(count)
    return count


def _fetched(remote: Remote, out: Path, unpack: bool, anonymous: bool, wait: float) -> _Fetched:
    target = out.joinpath(*PurePosixPath(remote.name).parts)
    if ".." in PurePosixPath(remote.name).parts or not target.is_relative_to(out):
        return _Fetched(remote, problem="its name leads out of the folder.")
    came, tries = 0, 0
    while True:
        try:
            system, path = _system(remote.url, anonymous)
            size = system.info(path).get("size")
            before = target.is_file() and (size is None or target.stat().st_size == size)
            if not before:
                came += _stream(system, path, target, size)
            unpacked = 0
            if unpack and target.suffix.lower() == ".zip":
                unpacked = unzip(target, target.with_suffix(""))[0]
            return _Fetched(remote, came, before, unpacked)
        except DataSetError as error:
            return _Fetched(remote, came, problem=str(error))
        except FileNotFoundError:
            return _Fetched(remote, came, problem="there is no such file. Check the address.")
        except PermissionError as error:
            return _Fetched(remote, came, problem=f"access is refused ({error}).")
        except Exception as error:  # each kind of storage has errors of its own
            tries += 1
            if tries == _TRIES:
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
                return _Fetched(remote, came, problem=f"failed {_TRIES} times ({reason}).")
            time.sleep(wait * 2 ** (tries - 1))


def _stream(system: Any, path: str, target: Path, size: int | None) -> int:
    """Fetch a file in pieces, after what is there of it; the bytes that came."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    start = partial.stat().st_size if partial.is_file() else 0
    came = 0
    with system.open(path, "rb", block_size=_PIECE, cache_type="readahead") as source:
        if start and (size is None or start > size or not source.seekable()):
            start = 0
        if start:
            source.seek(start)
        with partial.open("ab" if start else "wb") as sink:
            while piece := source.read(_PIECE):
                sink.write(piece)
                came += len(piece)
    if size is not None and start + came != size:
        raise OSError(f"{start + came:,} of {size:,} bytes came")
    partial.replace(target)
    return came


def _system(url: str, anonymous: bool) -> tuple[Any, str]:
    import fsspec

    scheme = urlsplit(url).scheme
    if scheme not in _SCHEMES:
        raise DataSetError(
            f"{url}: is no address of object storage. It begins with "
            f"{', '.join(f'{one}://' for one in _SCHEMES[:5])}."
        )
    options: dict[str, Any] = {}
    if anonymous and scheme == "s3":
        options["anon"] = True
    if anonymous and scheme in ("gs", "gcs"):
        options["token"] = "anon"  # noqa: S105 - fsspec's word for none
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise DataSetError(
            f"{url}: reading {scheme}:// needs more packages. Run: python -m pip install "
            f'"radlens[storage]" ({error})'
        ) from error
    return system, path.rstrip("/") if scheme not in ("http", "https") else path
