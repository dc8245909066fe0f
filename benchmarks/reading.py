"""Speed of a reading: median milliseconds, in turns in one run.

    python -m benchmarks.reading [--quick] [--json]

- decode: a real chest DICOM of 1841 x 1955 pixels, from its bytes to gray levels.
- reading: the same, routed and scored by all chest models, which are loaded; nothing is kept of the
  film from one turn to the next.

What heatmaps cost, and against whom: `python -m benchmarks.explain`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydicom.data import get_testdata_file

from benchmarks.turns import medians
from xray_models import pipeline, radiograph


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()

    content = Path(str(get_testdata_file("RG1_UNCI.dcm", download=False))).read_bytes()
    pipeline.warm()
    found = medians(
        5 if options.quick else 21,
        {
            "decode": lambda: radiograph.read(content),
            "reading": lambda: pipeline.read(content),
        },
    )
    for name, value in found.items():
        row = {"name": f"{name}_ms", "milliseconds": value}
        print(json.dumps(row) if options.json else f"{name:<10}{value:10.1f} ms")


if __name__ == "__main__":
    main()
