"""Films drawn for tests, and the files they are written to."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmwrite, uid
from pydicom.encaps import encapsulate

PATIENT = "DOE^JANE"
PATIENT_ID = "MRN-4711-XYZ"


def ramp(height: int = 24, width: int = 32, white: int = 255) -> np.ndarray:
    """Every gray from 0 to `white`, dark at the top left; no symmetry. Integers."""
    return np.linspace(0, white, height * width).round().astype(np.int64).reshape(height, width)


def picture(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the content of a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def dicom(
    values: np.ndarray | None = None,
    *,
    stream: bytes | None = None,
    syntax: str = uid.ExplicitVRLittleEndian,
    preamble: bool = True,
    **elements: Any,
) -> bytes:
    """A DICOM file of a patient with a name.

    Args:
        values: stored values, (height, width) or (height, width, 3); their type is the file's.
        stream: instead of the values' own bytes, a compressed frame.
        syntax: transfer syntax of the file.
        preamble: whether the file has preamble and file meta information.
        elements: to set; None removes one.
    """
    values = ramp().astype(np.uint8) if values is None else values
    header = Dataset()
    header.SOPClassUID = uid.ComputedRadiographyImageStorage
    header.SOPInstanceUID = "1.2.3.4"
    header.PatientName, header.PatientID = PATIENT, PATIENT_ID
    header.PatientBirthDate, header.InstitutionName = "19470501", "St. Elsewhere"
    header.Modality = "CR"
    header.Rows, header.Columns = values.shape[:2]
    header.SamplesPerPixel = 1 if values.ndim == 2 else values.shape[2]
    header.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
    if values.ndim == 3:
        header.PlanarConfiguration = 0
    bits = 8 * values.dtype.itemsize
    header.BitsAllocated = header.BitsStored = bits
    header.HighBit = bits - 1
    header.PixelRepresentation = int(values.dtype.kind == "i")
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    header.PixelData = values.astype(values.dtype.newbyteorder(order)).tobytes()
    header["PixelData"].VR = "OB" if bits == 8 else "OW"
    if stream is not None:
        header.PixelData = encapsulate([stream])
        header["PixelData"].VR = "OB"
        header["PixelData"].is_undefined_length = True
    for name, value in elements.items():
        if value is None:
            delattr(header, name)
        else:
            setattr(header, name, value)
    file = BytesIO()
    if preamble:
        header.ensure_file_meta()
        header.file_meta.TransferSyntaxUID = syntax
        dcmwrite(file, header, enforce_file_format=True)
    else:
        dcmwrite(
            file,
            header,
            implicit_vr=syntax == uid.ImplicitVRLittleEndian,
            little_endian=syntax != uid.ExplicitVRBigEndian,
            force_encoding=True,
        )
    return file.getvalue()


def table(values: list[int], first: int, bits: int) -> Dataset:
    """An item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", values)
    return item
