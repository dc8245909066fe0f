"""Sample radiographs that anyone may look at, each checked against its sha256 before it is used.

They come with the package pydicom-data, so they need no network. The hashes are those that pydicom
publishes for them (pydicom/data/hashes.json).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydicom.data import get_testdata_file


class SampleError(RuntimeError):
    """A sample cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Sample:
    """A film of the gallery.

    Attributes:
        title: for its button.
        about: one sentence: what it shows, and what to expect of RadLens.
        file: name in pydicom-data.
        sha256: of the file.
        source: attribution.
    """

    title: str
    about: str
    file: str
    sha256: str
    source: str = "pydicom-data, test films of the NEMA working group 4 (public)"


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
        "tests whether it says that it is not sure.",
        file="RG3_UNCI.dcm",
        sha256="9ef0260919de89774da90336ad16c03a5be899a8bb663bbaea52b6d0769bec78",
    ),
}
"""Samples by the name that links use."""


def content(name: str) -> bytes:
    """The file of a sample.

    Args:
        name: one of `SAMPLES`.

    Raises:
        SampleError: no such sample, or its file is missing or not the one that is meant.
    """
    if name not in SAMPLES:
        raise SampleError(f"There is no sample {name!r}. Samples: {', '.join(SAMPLES)}.")
    sample = SAMPLES[name]
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
