"""What decoding in a process of its own adds to reading a film: median milliseconds, in turns.

    python -m benchmarks.reading_pool [--json]

A real chest DICOM of 1841 x 1955 pixels and a JPEG of 3000 x 3000, in this process and in the pool
of `xray_models.radiograph.pool`, whose processes are warm. The films must be alike bit for bit.
"""

from __future__ import annotations

import argparse
import io
import json
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file

from benchmarks.turns import medians
from xray_models import radiograph
from xray_models.radiograph.pool import Pool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()

    chest = Path(str(get_testdata_file("RG1_UNCI.dcm", download=False))).read_bytes()
    with Pool(2) as pool:
        for name, content in {"chest": chest, "jpeg": _jpeg(3000)}.items():
            for _ in range(4):  # both processes are warm, and what they give is the same
                same = np.array_equal(pool.read(content).pixels, radiograph.read(content).pixels)
                assert same, name
            found = medians(
                21,
                {
                    f"{name}, here": partial(radiograph.read, content),
                    f"{name}, in the pool": partial(pool.read, content),
                },
            )
            for what, value in found.items():
                row = {"name": what, "milliseconds": value}
                print(json.dumps(row) if options.json else f"{what:<22}{value:10.1f} ms")


def _jpeg(side: int) -> bytes:
    """A film-like JPEG: smooth, with some noise."""
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 255, (side // 10, side // 10), np.uint8))
    file = io.BytesIO()
    small.resize((side, side)).save(file, "JPEG")
    return file.getvalue()


if __name__ == "__main__":
    main()
