"""Upload of films as a multipart form: into memory only, within limits of size, count and time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from xray_models.serve.refusals import ClientLeft, Refused
from xray_models.serve.settings import Settings

__all__ = ["SentFile", "Upload", "receive"]

_MOST_FIELDS = 64
_MOST_FIELD_BYTES = 4096
_LONGEST_NAME = 255
logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it notes each malformed form
_SEND = "Send films as curl -F file=@FILM does."


@dataclass(frozen=True)
class SentFile:
    """A file of an upload: the name that the client gave it, and its content."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Upload:
    """Files and fields of a form; a field that was sent several times has several values."""

    files: tuple[SentFile, ...]
    fields: dict[str, list[str]]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(one.content) for one in self.files)


class _InMemory(MultiPartParser):
    """Starlette's parser, which would write files above a megabyte to disk."""

    spool_max_size = 2**62


async def receive(request: Request, settings: Settings) -> Upload:
    """Receive a form with at least one file.

    Raises:
        Refused: it is no such form, too large, too many files, too slow or malformed.
        ClientLeft: the client closed the connection.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refused(415, f"The request is no multipart/form-data. {_SEND}")
    most = settings.most_megabytes * 2**20
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > most:
        raise _too_large(settings)
    parser = _InMemory(
        request.headers,
        _within(request.stream(), most, settings),
        max_files=settings.most_files,
        max_fields=_MOST_FIELDS,
        max_part_size=_MOST_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _malformed(error.message, settings) from None
    except ClientDisconnect:
        raise ClientLeft from None
    files: list[SentFile] = []
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            # a form of a browser without a chosen file sends an empty part without a name
            if value.filename or value.size:
                files.append(SentFile(_base(value.filename or ""), await value.read()))
            await value.close()
        else:
            fields.setdefault(name, []).append(value)
    if not files:
        raise Refused(422, f"The request holds no file. {_SEND}")
    return Upload(tuple(files), fields)


async def _within(
    stream: AsyncGenerator[bytes, None], most: int, settings: Settings
) -> AsyncGenerator[bytes, None]:
    """The body piece by piece, as long as it is not too large and not too slow."""
    ends = time.monotonic() + settings.body_seconds
    received = 0
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), max(0.0, ends - time.monotonic()))
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused(
                408,
                f"The request took more than {settings.body_seconds} seconds to arrive. Send "
                "fewer films at once.",
                {"Connection": "close"},
            ) from None
        received += len(piece)
        if received > most:
            raise _too_large(settings)
        yield piece


def _too_large(settings: Settings) -> Refused:
    return Refused(
        413,
        f"The request has more than {settings.most_megabytes} MB. Send fewer films at once.",
        {"Connection": "close"},
    )


def _malformed(told: str, settings: Settings) -> Refused:
    if told.startswith("Too many files"):
        return Refused(
            413,
            f"The request has more than {settings.most_files} files. Send fewer at once.",
            {"Connection": "close"},
        )
    if told.startswith(("Too many fields", "Part exceeded")):
        return Refused(413, "The request has too many or too long fields.", {"Connection": "close"})
    return Refused(
        400, f"The request is no well-formed multipart/form-data. {_SEND}", {"Connection": "close"}
    )


def _base(name: str) -> str:
    """Name of a file without folders and control characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in base if letter.isprintable())[:_LONGEST_NAME]
