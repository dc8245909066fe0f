"""Films of a teaching set: their files, checked by hash, and what is drawn into them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pooch
import requests

from xray_models.datasets import samples
from xray_models.radiograph import MOST_BYTES, Radiograph
from xray_models.teaching.sets import DrawnSpot, SetError, TeachingFilm, TeachingSet

__all__ = ["at_hand", "content", "prepared"]

_TIMEOUT = 20  # seconds
_EDGE = 0.6  # of the radius: inside, the spot keeps half of its contrast or more


def at_hand(film: TeachingFilm) -> bool:
    """Whether a film can be shown without the network; of one with an address nobody asks."""
    return not film.url and (not film.sample or samples.at_hand(film.sample))


def content(teaching_set: TeachingSet, film: TeachingFilm) -> bytes:
    """Content of a film's file, which is the one that the set means.

    Args:
        teaching_set: that the film is of.
        film: one of its films.

    Raises:
        SetError: the file is missing, cannot be fetched, or is another one.
    """
    if film.sample:
        if film.sample not in samples.SAMPLES:
            raise SetError(f"There is no sample {film.sample!r}; the set is of another version.")
        try:
            found = samples.content(film.sample)
        except samples.SampleError as error:
            raise SetError(str(error)) from error
    elif film.url:
        found = _fetched(film)
    else:
        found = _read(teaching_set, film)
    if hashlib.sha256(found).hexdigest() != film.sha256:
        raise SetError(
            f"The file of film {film.id!r} is not the one that the set means: its SHA-256 differs. "
            "Put the right file there, or make the set anew."
        )
    return found


def prepared(film: Radiograph, told: TeachingFilm) -> Radiograph:
    """Radiograph with what the set does to it: mirrored, and a spot drawn in.

    Args:
        film: as it was read from its file.
        told: the set's entry.
    """
    pixels = film.pixels[:, ::-1] if told.mirrored else film.pixels
    if told.drawn is not None:
        pixels = _with_spot(pixels, told.drawn)
    age = film.age_band
    if told.sample and not age:
        age = samples.SAMPLES[told.sample].age_band
    return replace(film, pixels=np.ascontiguousarray(pixels), age_band=age)


def _read(teaching_set: TeachingSet, film: TeachingFilm) -> bytes:
    if teaching_set.folder is None:
        raise SetError("The set names films by paths. Open it from its folder.")
    folder = teaching_set.folder.resolve()
    path = (folder / film.path).resolve()
    if not path.is_relative_to(folder):  # a link in the folder may lead out of it
        raise SetError(f"The file of film {film.id!r} lies outside the set's folder.")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SetError(f"The file of film {film.id!r} has more than 25 MB.")
        return path.read_bytes()
    except OSError as error:
        raise SetError(
            f"The file of film {film.id!r} cannot be read ({error.strerror}). It should be "
            f"{film.path!r} beside the set."
        ) from error


def _fetched(film: TeachingFilm) -> bytes:
    try:
        path = pooch.retrieve(
            film.url,
            known_hash=f"sha256:{film.sha256}",
            fname=film.sha256,  # an address may hold anything
            path=pooch.os_cache("radlens") / "teaching",
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
        )
        with open(path, "rb") as file:  # noqa: PTH123 - pooch gives text
            return file.read()
    except (OSError, requests.RequestException) as error:
        raise SetError(
            f"The file of film {film.id!r} could not be fetched. This machine may be offline."
        ) from error
    except ValueError as error:
        raise SetError(
            f"What came for film {film.id!r} is not the file that the set means, so it was thrown "
            "away."
        ) from error


def _with_spot(pixels: np.ndarray, drawn: DrawnSpot) -> np.ndarray:
    """Pixels with a round spot that fades to its edge."""
    height, width = pixels.shape
    radius = max(1.0, drawn.radius * width)
    y, x = drawn.y * height, drawn.x * width
    rows = slice(max(0, int(y - 2 * radius)), int(y + 2 * radius) + 1)
    columns = slice(max(0, int(x - 2 * radius)), int(x + 2 * radius) + 1)
    found = pixels.copy()
    part = found[rows, columns]
    down, across = np.ogrid[: part.shape[0], : part.shape[1]]
    squared = (down + rows.start - y) ** 2 + (across + columns.start - x) ** 2
    spot = drawn.contrast * np.exp2(-((squared / (_EDGE * radius) ** 2) ** 2))
    part += spot.astype(np.float32)
    np.clip(part, 0, 1, out=part)
    return found
