"""Sample radiographs that anyone may look at, each checked by its hash before it is used.

Two come with the package pydicom-data and need no network; their hashes are those that pydicom
publishes (pydicom/data/hashes.json). The others are in public repositories and are listed in
assets/samples/films.csv with the SHA-256 of the original file: 13 films of FracAtlas with the boxes
that its authors drew, and 8 of ChestX-ray14 with the labels mined from their reports. They are
fetched from one commit when somebody opens them, and kept in the user's cache, or in the folder
that the environment variable RADLENS_SAMPLES names. All of them were held out from the networks
that ship for their part (fold 1).
"""

from __future__ import annotations

import csv
import functools
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
from pydicom.data import get_testdata_file

from xray_models.catalogue import app_folder
from xray_models.radiograph.ages import band_of

__all__ = [
    "RENAMED",
    "SAMPLES",
    "Sample",
    "SampleError",
    "at_hand",
    "by_part",
    "content",
    "missing",
]

pooch.get_logger().setLevel(logging.WARNING)

_TIMEOUT = 20  # seconds

_Box = tuple[float, float, float, float]


class SampleError(RuntimeError):
    """A sample cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Sample:
    """Sample film of the gallery.

    Attributes:
        title: for its button; gives nothing of the truth away.
        part: what it shows; a heading of the gallery.
        about: one sentence on what to expect of RadLens; gives nothing of the truth away.
        truth: what it shows, in words, and who says so; told only to those who ask. Empty where
            nobody has published it.
        boxes: (x, y, width, height) of what people marked, in shares of the film.
        file: name in pydicom-data, or in the cache.
        sha256: of the file.
        source: attribution.
        url: where it is fetched from; empty for one that comes with a package.
        bytes: size of the file, where it is fetched.
        age_band: of the patient, where the file itself does not tell it.
    """

    title: str
    part: str
    about: str
    truth: str
    file: str
    sha256: str
    boxes: tuple[_Box, ...] = ()
    source: str = "pydicom-data, test films of the NEMA working group 4 (public)"
    url: str = ""
    bytes: int = 0
    age_band: str | None = None

    @property
    def fetched(self) -> bool:
        """Whether it comes from the network the first time."""
        return bool(self.url)


@dataclass(frozen=True)
class _Source:
    """Public repository, at one commit."""

    repository: str
    commit: str
    attribution: str
    says: str

    def url(self, path: str) -> str:
        """Where a file of it is to be had."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{path}"


_SOURCES = {
    "fracatlas": _Source(
        "nguyenducmanh-itus/WeakMedSAM",
        "4ad96658c8a4124e651f106bed0a23392729beff",
        "FracAtlas (Abedeen et al. 2023, CC BY 4.0), through nguyenducmanh-itus/WeakMedSAM",
        "the radiologists of FracAtlas",
    ),
    "nih": _Source(
        "jrzech/reproduce-chexnet",
        "7b9d3559c5464fb723cdeb7ace558e910934269b",
        "ChestX-ray14, NIH Clinical Center (Wang et al. 2017), through jrzech/reproduce-chexnet",
        "its report, mined by a program",
    ),
}

_PACKAGED = {
    "chest": Sample(
        title="Chest (DICOM)",
        part="chest",
        about="A chest as DICOM. The heat for its nodule misses the lungs, and RadLens says so.",
        truth="",
        file="RG1_UNCI.dcm",
        sha256="3561020824868615a93a51078671b3ff73bb2578c966f76def99b4d982897e75",
    ),
    "lower-leg": Sample(
        title="Lower leg (DICOM)",
        part="leg",
        about="RadLens reads no legs. Does it say so?",
        truth="A non-ossifying fibroma of the distal tibia.",
        file="RG3_UNCI.dcm",
        sha256="9ef0260919de89774da90336ad16c03a5be899a8bb663bbaea52b6d0769bec78",
    ),
}


def _listed() -> dict[str, Sample]:
    """Samples of the table, by name, in its order."""
    table = app_folder() / "assets" / "samples" / "films.csv"
    with table.open(newline="", encoding="utf-8") as file:
        return {row["name"]: _sample(row) for row in csv.DictReader(file)}


def _sample(row: dict[str, str]) -> Sample:
    source, part = _SOURCES[row["source"]], row["part"]
    number = row["name"].rpartition("-")[2]
    truth = row["truth"]
    return Sample(
        title=f"{part.capitalize()} {number}",
        part=part,
        about=f"A film of the {part} that the models for it never saw.",
        truth=f"{truth[0].upper()}{truth[1:]}, says {source.says}."
        if row["source"] == "nih"
        else f"{truth[0].upper()}{truth[1:]}, say {source.says}.",
        file=row["path"].rpartition("/")[2],
        sha256=row["sha256"],
        boxes=tuple(_box(one) for one in row["boxes"].split(";") if one.strip()),
        source=source.attribution,
        url=source.url(row["path"]),
        bytes=int(row["bytes"]),
        age_band=band_of(int(row["age"])) if row["age"] else None,
    )


def _box(text: str) -> _Box:
    x, y, width, height = map(float, text.split())
    return x, y, width, height


SAMPLES = _listed() | _PACKAGED
"""Samples by the name that links use; the one that opens best comes first."""

RENAMED = {
    "nih-no-finding": "chest-1",
    "nih-effusion": "chest-2",
    "nih-cardiomegaly": "chest-3",
}
"""Name in older links -> name now: the old ones gave the truth away."""

_fetcher = pooch.create(
    path=pooch.os_cache("radlens"),
    base_url="",
    registry={one.file: f"sha256:{one.sha256}" for one in SAMPLES.values() if one.fetched},
    urls={one.file: one.url for one in SAMPLES.values() if one.fetched},
    env="RADLENS_SAMPLES",
)


def by_part() -> dict[str, list[str]]:
    """Names of the samples of each part, in the order of `SAMPLES`.

    Parts of which a film is at hand come first, and in each part those films: the first one offered
    opens at once, wherever it can.
    """
    found: dict[str, list[str]] = {}
    for name, sample in SAMPLES.items():
        found.setdefault(sample.part, []).append(name)
    for names in found.values():
        names.sort(key=lambda one: not at_hand(one))
    return dict(sorted(found.items(), key=lambda of_part: not at_hand(of_part[1][0])))


def at_hand(name: str) -> bool:
    """Whether a sample can be opened without the network.

    Args:
        name: one of `SAMPLES`.
    """
    sample = SAMPLES[name]
    if not sample.fetched:
        return True
    path = Path(_fetcher.abspath) / sample.file
    try:
        facts = path.stat()
    except OSError:
        return False
    return _sha256(path, facts.st_mtime_ns, facts.st_size) == sample.sha256


def missing() -> list[str]:
    """Names of the samples that would have to be fetched."""
    return [name for name in SAMPLES if not at_hand(name)]


def content(name: str) -> bytes:
    """Content of a sample's file.

    Args:
        name: one of `SAMPLES`.

    Raises:
        SampleError: no such sample, or its file is missing, cannot be fetched, or is not the one
            that is meant.
    """
    if name not in SAMPLES:
        raise SampleError(f"There is no sample {name!r}. Samples: {', '.join(SAMPLES)}.")
    sample = SAMPLES[name]
    return _fetched(sample) if sample.fetched else _packaged(sample)


def _packaged(sample: Sample) -> bytes:
    # never from the network: pydicom would fetch it into the user's home without asking
    path = get_testdata_file(sample.file, download=False)
    if path is None:
        raise SampleError(
            f"The sample {sample.title!r} comes with the package pydicom-data, which is not "
            "installed. Install the packages of requirements.txt (make setup)."
        )
    data = Path(str(path)).read_bytes()
    if hashlib.sha256(data).hexdigest() != sample.sha256:
        raise SampleError(
            f"The sample {sample.title!r} ({sample.file} of pydicom-data) is damaged or another "
            "version. Install the packages of requirements.txt again (make setup)."
        )
    return data


def _fetched(sample: Sample) -> bytes:
    try:
        path = Path(_fetcher.fetch(sample.file, downloader=pooch.HTTPDownloader(timeout=_TIMEOUT)))
        return path.read_bytes()
    except (OSError, requests.RequestException) as error:
        raise SampleError(
            f"The sample {sample.title!r} could not be fetched from github.com. This machine may "
            f"be offline: {_alternatives()} need no network."
        ) from error
    except ValueError as error:  # pooch has thrown it away
        raise SampleError(
            f"What github.com sent is not the film of the sample {sample.title!r}, so it was "
            "thrown away. Try again, or open another sample."
        ) from error


def _alternatives() -> str:
    return " and ".join(one.title for one in SAMPLES.values() if not one.fetched)


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, changed: int, size: int) -> str:  # noqa: ARG001 - they make the key
    """Hash of a file, taken once as long as the file stays as it is."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
