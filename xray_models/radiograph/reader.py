"""Reader of radiographs: any upload, by what it holds, within limits, or with a clear refusal."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from xray_models.radiograph.types import (
    MOST_BYTES,
    MOST_PIXELS,
    Radiograph,
    UnreadableRadiograph,
    exchanged,
)

__all__ = [
    "MOST_BYTES",
    "MOST_PIXELS",
    "Radiograph",
    "UnreadableRadiograph",
    "begins_as_film",
    "content_of",
    "read",
    "size",
]

_READABLE = "PNG, JPEG, TIFF, BMP, WebP and DICOM"

_PICTURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
)
_PDF = (
    "This is a PDF document, not a picture. Take the radiograph out of it as PNG, or ask for the "
    "DICOM file."
)
_ZIP = "This is a ZIP archive. Unpack it and choose one radiograph."
_ARCHIVE = "This is a compressed archive. Unpack it and choose one radiograph."
_OFFICE = (
    "This is an office document, not a picture. Save the radiograph from it as PNG, or ask for "
    "the DICOM file."
)
_JPEG_2000 = (
    "This is a JPEG 2000 picture; RadLens reads JPEG 2000 inside DICOM only. Save it as PNG."
)
_NEWER = f"This is {{}}, which RadLens does not read. Save it as PNG; it reads {_READABLE}."
_PHOTO = (
    "This is a photo in HEIC, as phones save it, which RadLens does not read. Save or send it as "
    "JPEG: most phones offer that where they share a picture."
)
_VIDEO = "This is a video, not a picture. Save one picture of it as PNG."
_WEB_PAGE = (
    "This is a web page, not a picture: the place that it came from may have asked for a login. "
    "Download the radiograph again."
)
_POINTER = (
    "This is a pointer of Git LFS, not the film itself. Fetch the film with `git lfs pull`, then "
    "open it again."
)
_OTHERS = (
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
    (b"PK\x07\x08", _ZIP),
    (b"\x1f\x8b", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ\x00", _ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"\xff\x0a", _NEWER.format("a JPEG XL picture")),
    (b"\x00\x00\x00\x0cJXL ", _NEWER.format("a JPEG XL picture")),
    (b"\xff\x4f\xff\x51", _JPEG_2000),
    (b"version https://git-lfs", _POINTER),
    (b"GIF8", f"This is a GIF, which RadLens does not read. Save it as PNG; it reads {_READABLE}."),
    (b"\x00\x00\x00\x0cjP  ", _JPEG_2000),
)
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def read(source: bytes | str | os.PathLike[str], invert: bool = False) -> Radiograph:
    """Read a radiograph: PNG, JPEG, TIFF, BMP, WebP or DICOM, recognized by its content.

    Args:
        source: content of a file, or a path. At most 25 MB and 60 megapixels, which is checked
            before anything is decoded.
        invert: exchange black and white, for a film that is stored as a negative.

    Returns:
        The film: float32 gray in 0..1, bright is dense, at its original size, and with square
        pixels. A film that looks like a negative has a warning.

    Raises:
        UnreadableRadiograph: for whatever cannot be read; the message is for people.
    """
    # decoders take a while to import, and most of what needs the size of a film decodes none
    from xray_models.radiograph import negative

    film = _decoded(source)
    if invert:
        film = exchanged(film)
    doubt = negative.warning(film)
    return replace(film, warnings=(*film.warnings, doubt)) if doubt else film


def _decoded(source: bytes | str | os.PathLike[str]) -> Radiograph:
    from xray_models.radiograph import dicom, image

    data = content_of(source)
    if dicom.has_prefix(data):  # first, for its preamble may be that of a TIFF
        return dicom.decode(data)
    if _is_picture(data):
        return image.decode(data)
    if b"%PDF-" in data[:1024]:
        raise UnreadableRadiograph(_PDF)
    for magic, sentence in _OTHERS:
        if data.startswith(magic):
            raise UnreadableRadiograph(sentence)
    if data[4:8] == b"ftyp":
        raise UnreadableRadiograph(_of_brand(data[8:12]))
    if data[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise UnreadableRadiograph(_WEB_PAGE)
    if dicom.starts_with_an_element(data):
        return dicom.decode(data)
    raise UnreadableRadiograph(
        "This is not a picture that RadLens can read, or its beginning is damaged. It reads "
        f"{_READABLE}. Export the radiograph as PNG or DICOM."
    )


def _of_brand(brand: bytes) -> str:
    """Why a file in the container of MPEG-4, ISO/IEC 14496-12, is not read."""
    if brand in (b"avif", b"avis"):
        return _NEWER.format("an AVIF picture")
    return _PHOTO if brand in _HEIC else _VIDEO


def begins_as_film(beginning: bytes) -> bool:
    """Whether a file begins as a picture or DICOM file does, whatever it is called.

    Args:
        beginning: its first 132 bytes, or more.
    """
    if beginning.startswith(b"BM"):  # as may a table of body mass; in a bitmap zeros follow
        return beginning[6:10] == bytes(4)
    return beginning[128:132] == b"DICM" or _is_picture(beginning)


def size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """(width, height) in pixels of the radiograph that `read` gives of a file.

    Of a picture only the header is read, so that it may turn out damaged later; a DICOM file is
    decoded.

    Raises:
        UnreadableRadiograph: as of `read`.
    """
    from xray_models.radiograph import dicom, image

    beginning = _load(path, 132)
    if _is_picture(beginning) and not dicom.has_prefix(beginning):
        return image.size(Path(path))
    film = read(path)
    return film.width, film.height


def _is_picture(data: bytes) -> bool:
    return data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def content_of(source: bytes | str | os.PathLike[str]) -> bytes:
    """Take the content of a file, which is not empty and within the limit of bytes.

    Args:
        source: content of a file, or a path.

    Raises:
        UnreadableRadiograph: no such file, empty, or larger than `MOST_BYTES`.
    """
    data = bytes(source) if isinstance(source, bytes | bytearray | memoryview) else _load(source)
    if not data:
        raise UnreadableRadiograph(
            "The file is empty. It may have been cut off on its way here: copy or export it again."
        )
    if len(data) > MOST_BYTES:
        raise _too_large(len(data))
    return data


def _load(path: str | os.PathLike[str], most: int = MOST_BYTES) -> bytes:
    """The first `most` bytes of a file that is not too large."""
    try:
        if Path(path).is_dir():
            raise UnreadableRadiograph("This is a folder, not a film. Choose one film in it.")
        if not Path(path).is_file():  # a pipe or device could go on for ever
            raise FileNotFoundError
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                raise _too_large(size)
            return file.read(most + 1)
    except FileNotFoundError:
        raise UnreadableRadiograph("There is no such file. Check the path.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableRadiograph):
            raise
        raise UnreadableRadiograph(
            "The file cannot be opened. Check its path and permissions."
        ) from None


def _too_large(size: int) -> UnreadableRadiograph:
    return UnreadableRadiograph(
        f"The file has {size / 2**20:.1f} MB; RadLens reads up to {MOST_BYTES // 2**20}. "
        "Export the radiograph compressed (DICOM with JPEG 2000, or PNG) or at a smaller size."
    )
