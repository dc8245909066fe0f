"""Known terms of DICOM: closed lists, and only what stands here is ever shown of a header.

Defined terms from DICOM PS3.3 (C.7.3.1.1.1 modality, C.7.6.3.1.2 photometric interpretation,
C.8.1.3 and C.8.11.5 view position), body parts from PS3.16 annex L, transfer syntaxes from PS3.5.
"""

from __future__ import annotations

import re

from pydicom import Dataset, uid

from xray_models.radiograph.ages import band_of

__all__ = [
    "BODY_PARTS",
    "COMPRESSIONS",
    "MODALITIES",
    "NOT_RADIOGRAPHS",
    "PHOTOMETRICS",
    "REFUSED",
    "REFUSED_CLASSES",
    "VIEWS",
    "age_band",
    "cannot_decode",
    "code",
    "known",
]

_PROJECTIONS = frozenset("BMD CR DF DR DX HC IO MG OT PX RF RG SC XA XC".split())

NOT_RADIOGRAPHS = {
    "ES": "an endoscopic picture",
    "GM": "a microscopic picture",
    "IVUS": "an ultrasound picture",
    "NM": "a nuclear medicine picture",
    "OCT": "a tomographic picture made with light",
    "OP": "a photograph of an eye",
    "OPT": "a tomographic picture of an eye",
    "SM": "a slide under a microscope",
    "US": "an ultrasound picture",
}
"""Modalities that are read, with a warning: what a sentence calls them."""

REFUSED = {
    "CT": "a slice or stack of computed tomography (CT)",
    "MR": "a slice or stack of magnetic resonance imaging (MR)",
    "PT": "a slice or stack of positron emission tomography (PET)",
    "RTDOSE": "a radiotherapy dose map",
    "SEG": "a segmentation, not the picture it belongs to",
}
"""Modalities that are not read: what a sentence calls them."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
REFUSED_CLASSES = (
    (_STORAGE + "2.", REFUSED["CT"]),
    (_STORAGE + "4.", REFUSED["MR"]),
    (_STORAGE + "128.", REFUSED["PT"]),
    (_STORAGE + "130.", REFUSED["PT"]),
    (_STORAGE + "481.2.", REFUSED["RTDOSE"]),
    (_STORAGE + "66.4.", REFUSED["SEG"]),
)
"""The same by the stem of the SOP class, for files that name no modality."""

MODALITIES = _PROJECTIONS | NOT_RADIOGRAPHS.keys() | REFUSED.keys()

PHOTOMETRICS = frozenset(
    {
        "MONOCHROME1",
        "MONOCHROME2",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_ICT",
        "YBR_RCT",
    }
)

VIEWS = frozenset(
    "AP PA LL RL LAT LATERAL RLD LLD LLO RLO RAO LAO RPO LPO AX AXIAL OBL OBLIQUE FRONTAL TANG "
    "TANGENTIAL DECUB SUPINE ERECT DP PD DORSOPALMAR OUTLET SCAPHOID MORTISE SUNRISE SWIMMERS "
    "ANTEROPOSTERIOR POSTEROANTERIOR CC MLO ML LM XCCL".split()
)

BODY_PARTS = frozenset(
    "ABDOMEN ABDOMENPELVIS ACJOINT ANKLE ARM BREAST CALCANEUS CALF CERVICALSPINE CHEST "
    "CHESTABDOMEN CLAVICLE COCCYX CSPINE CTSPINE ELBOW EXTREMITY FACE FACIALBONES FEMUR FIBULA "
    "FINGER FOOT FOREARM HAND HEAD HEEL HIP HUMERUS JAW JAWREGION KNEE LEG LOWERARM LOWERLEG "
    "LOWERLIMB LSPINE LUMBARSPINE LUNG MANDIBLE MAXILLA NECK NOSE ORBIT PATELLA PELVIS RADIUS "
    "RADIUSULNA RIB RIBS SACRUM SCAPULA SCJOINT SHOULDER SIJOINT SINUS SKULL SPINE SSPINE "
    "STERNUM TEETH THIGH THORACICSPINE THORAX THUMB TIBIA TIBIAFIBULA TLSPINE TMJ TOE TSPINE "
    "ULNA UPPERARM UPPERLIMB WHOLEBODY WRIST ZYGOMA".split()
)
"""Without spaces and underscores, which files put differently."""

COMPRESSIONS = {
    uid.ImplicitVRLittleEndian: "uncompressed",
    uid.ExplicitVRLittleEndian: "uncompressed",
    uid.ExplicitVRBigEndian: "uncompressed",
    uid.DeflatedExplicitVRLittleEndian: "deflated",
    uid.JPEGBaseline8Bit: "JPEG baseline",
    uid.JPEGExtended12Bit: "JPEG extended",
    uid.JPEGLossless: "JPEG lossless",
    uid.JPEGLosslessSV1: "JPEG lossless",
    uid.JPEGLSLossless: "JPEG-LS",
    uid.JPEGLSNearLossless: "JPEG-LS near-lossless",
    uid.JPEG2000Lossless: "JPEG 2000 lossless",
    uid.JPEG2000: "JPEG 2000",
    uid.HTJ2KLossless: "high-throughput JPEG 2000 lossless",
    uid.HTJ2KLosslessRPCL: "high-throughput JPEG 2000 lossless",
    uid.HTJ2K: "high-throughput JPEG 2000",
    uid.RLELossless: "RLE",
}
"""The transfer syntaxes that are read, and what to call their compression."""

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
"""PS3.5, table 6.2-1: the units of an age string."""

_ROOT = "1.2.840.10008.1.2"
_JPEG_2000 = "Export it uncompressed or as JPEG 2000."
_NOT_DECODED = (
    (
        (f"{_ROOT}.4.110", f"{_ROOT}.4.111", f"{_ROOT}.4.112"),
        "as JPEG XL, which is too new for its decoders. " + _JPEG_2000,
    ),
    (
        (f"{_ROOT}.4.94", f"{_ROOT}.4.95", f"{_ROOT}.4.204", f"{_ROOT}.4.205"),
        "as JPIP: the file holds only the address of a server that has its pixels. Export the file "
        "with its pixels inside.",
    ),
    (
        (f"{_ROOT}.4.92", f"{_ROOT}.4.93"),
        "as JPEG 2000 with several components (part 2), which it does not read. Export it "
        "uncompressed or as plain JPEG 2000.",
    ),
    (
        tuple(f"{_ROOT}.4.{last}" for last in range(100, 109))
        + tuple(f"{_ROOT}.4.{last}.1" for last in range(100, 109)),
        "as video (MPEG or HEVC). RadLens reads single radiographs: export one picture from it.",
    ),
    (
        tuple(f"{_ROOT}.7.{last}" for last in range(1, 4)),
        "as uncompressed video (SMPTE ST 2110). RadLens reads single radiographs: export one "
        "picture from it.",
    ),
    (
        tuple(f"{_ROOT}.4.{last}" for last in (*range(52, 57), *range(58, 67))),
        "by a variant of JPEG that the standard has retired. " + _JPEG_2000,
    ),
)


def cannot_decode(syntax: str) -> str:
    """Why a film in a transfer syntax that is not in `COMPRESSIONS` is not read; for people."""
    what = "The pixels of the DICOM file are compressed in a way that RadLens cannot decode"
    for known, why in _NOT_DECODED:
        if syntax in known:
            return f"{what}: {why}"
    if not syntax.startswith("1.2.840.10008."):
        return (
            f"{what}: by a private way of its maker, not one of the DICOM standard. Export it from "
            "the maker's own software, uncompressed or as JPEG 2000."
        )
    return f"{what}: its transfer syntax is none that it knows. {_JPEG_2000}"


def code(header: Dataset, name: str) -> str:
    """Code of an element in upper case, or "" if it is missing or no single text."""
    value = header.get(name)
    return value.strip().upper() if isinstance(value, str) else ""


def age_band(header: Dataset) -> str | None:
    """Band that the patient's age lies in, of `ages.BANDS`; None where the file tells no age.

    The age itself is not passed on: with other facts it could tell who somebody is. "000Y" is how
    some files say that nobody knows; the age of an infant is told in days, weeks or months.
    """
    try:
        found = re.fullmatch(r"(\d{1,3})([DWMY])", code(header, "PatientAge"))
    except Exception:  # pydicom raises nearly everything on what it cannot convert
        return None
    if found is None or found[0] in ("0Y", "00Y", "000Y"):
        return None
    return band_of(int(found[1]) * _YEARS[found[2]])


def known(header: Dataset, name: str, terms: frozenset[str]) -> str | None:
    """Value of an element if it is one of `terms`, apart from case, spaces and underscores.

    Anything else, a name in the wrong element for one, is None.
    """
    value = code(header, name)
    if value in terms:
        return value
    joined = value.replace(" ", "").replace("_", "")
    return joined if joined in terms else None
