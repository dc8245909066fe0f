"""Sample radiographs that anyone may look at, each checked by its hash before it is used.

Two come with the package pydicom-data and need no network; their hashes are those that pydicom
publishes (pydicom/data/hashes.json). The others are films of ChestX-ray14, free to use with
attribution to the NIH Clinical Center, in the public repository jrzech/reproduce-chexnet: fetched
when somebody opens them, from one commit, into the user's cache. Nobody published hashes of those
files, so what arrives is checked by what it shows: a fingerprint of the picture that scaling and
compression hardly change.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pooch
import requests
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models import radiograph

__all__ = ["SAMPLES", "Sample", "SampleError", "at_hand", "content", "fingerprint"]

pooch.get_logger().setLevel(logging.WARNING)

_COMMIT = "7b9d3559c5464fb723cdeb7ace558e910934269b"
_SIDE = 16
_MOST_DIFFERENT = 12
"""Bits of 256. Scaled copies of a film here differed in 2 at most, other chests in 27 at least."""
_TIMEOUT = 20  # seconds


class SampleError(RuntimeError):
    """A sample cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Sample:
    """Sample film of the gallery.

    Attributes:
        title: for its button.
        about: one sentence: what it shows, and what to expect of RadLens.
        file: name in pydicom-data, or in the repository that it is fetched from.
        sha256: of the file; empty for one that is fetched.
        fingerprint: see `fingerprint`; empty for one that comes with a package.
        source: attribution.
    """

    title: str
    about: str
    file: str
    sha256: str = ""
    fingerprint: str = ""
    source: str = "pydicom-data, test films of the NEMA working group 4 (public)"

    @property
    def fetched(self) -> bool:
        """Whether it comes from the network the first time."""
        return not self.sha256


_NIH = "ChestX-ray14, NIH Clinical Center (Wang et al. 2017), through jrzech/reproduce-chexnet"

SAMPLES = {
    "chest": Sample(
        title="Chest",
        about="Computed radiography of an adult's chest: a part that RadLens reads.",
        file="RG1_UNCI.dcm",
        sha256="3561020824868615a93a51078671b3ff73bb2578c966f76def99b4d982897e75",
    ),
    "lower-leg": Sample(
        title="Lower leg",
        about="A non-ossifying fibroma of the distal tibia. RadLens does not read legs, so this "
        "tests whether it says that it knows none of this.",
        file="RG3_UNCI.dcm",
        sha256="9ef0260919de89774da90336ad16c03a5be899a8bb663bbaea52b6d0769bec78",
    ),
    "nih-no-finding": Sample(
        title="No finding (NIH)",
        about="An adult's chest that its report found nothing on. It was held out from the model "
        "of 14 findings; the nodule model learned from it.",
        file="00000550_000.png",
        fingerprint="ce0c839a830f870f871f871e870ec70ec78ec78e878e8f0e87069f06bf02ff00",
        source=_NIH,
    ),
    "nih-effusion": Sample(
        title="Effusion (NIH)",
        about="An adult's chest, labeled effusion from its report. It was held out from the model "
        "of 14 findings.",
        file="00004387_000.png",
        fingerprint="0f0387068b9e8707078e8f0e8f068f06af02ff00ff00ff88ff08ff00ff80ff00",
        source=_NIH,
    ),
    "nih-cardiomegaly": Sample(
        title="Cardiomegaly (NIH)",
        about="An adult's chest, labeled cardiomegaly from its report. It was held out from the "
        "model of 14 findings.",
        file="00000211_000.png",
        fingerprint="9f01ff01fb98831e871ec71ec70ec78ec786cf86c782df00ff00ff00fe00fe00",
        source=_NIH,
    ),
}
"""Samples by the name that links use."""

_fetcher = pooch.create(
    path=pooch.os_cache("radlens"),
    base_url=f"https://raw.githubusercontent.com/jrzech/reproduce-chexnet/{_COMMIT}/starter_images/",
    registry={sample.file: None for sample in SAMPLES.values() if sample.fetched},
    env="RADLENS_SAMPLES",
)


def at_hand(name: str) -> bool:
    """Whether a sample can be opened without the network."""
    sample = SAMPLES[name]
    return not sample.fetched or (Path(_fetcher.abspath) / sample.file).is_file()


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


def fingerprint(pixels: np.ndarray) -> str:
    """Fingerprint of a picture, 256 bits that hardly change with its size or compression.

    The difference hash: whether each of 16 x 16 cells is darker than its right neighbor.

    Args:
        pixels: gray, (height, width).

    Returns:
        64 hexadecimal digits.
    """
    small = Image.fromarray(pixels.astype(np.float32)).resize(
        (_SIDE + 1, _SIDE), Image.Resampling.BOX
    )
    return np.packbits(np.diff(np.asarray(small), axis=1) > 0).tobytes().hex()


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
        data = path.read_bytes()
    except (OSError, requests.RequestException) as error:
        raise SampleError(
            f"The sample {sample.title!r} could not be fetched from github.com; this machine may "
            "be offline. The samples Chest and Lower leg need no network."
        ) from error
    if not _shows(data, sample):
        path.unlink(missing_ok=True)
        raise SampleError(
            f"What github.com sent is not the film of the sample {sample.title!r}, so it was "
            "thrown away. Try again, or open another sample."
        )
    return data


def _shows(data: bytes, sample: Sample) -> bool:
    try:
        found = fingerprint(radiograph.read(data).pixels)
    except radiograph.UnreadableRadiograph:
        return False
    return (int(found, 16) ^ int(sample.fingerprint, 16)).bit_count() <= _MOST_DIFFERENT
