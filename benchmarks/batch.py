"""Speed of batch scoring beside the bare models: films a second, in one run.

    python -m benchmarks.batch [--quick] [--json]

- scoring: JPEG files on disk through `xray_models.scale`: decoding, resizing, the body-part
  detector, the models that fit, rows written to a CSV that can be gone on with.
- bare models: the same networks on the same films, already decoded, resized and scaled in memory,
  in batches of the same size: what no pipeline can beat.
- one by one: `pipeline.read` of each file, for comparison.

The files are films of RADLENS_DATA, else the real chest of pydicom-data at usual sizes, shifted and
noised; the output says which. Rounds alternate, so that a drifting machine is fair to all; ratios
are medians over rounds.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models import catalogue, pipeline, radiograph
from xray_models.batch import score
from xray_models.batch.resumable_csv import GrowingFile
from xray_models.batch.sources import Folder
from xray_models.catalogue import Card
from xray_models.inference import predict
from xray_models.radiograph.preprocess import resize, scale
from xray_models.viz import overlay

FILMS, FEW = 192, 48
SIDES = (448, 1024)  # pixels on the longer side of a drawn film


def films(folder: Path, count: int) -> str:
    """Fill a folder with films; what they are, in words."""
    data = os.environ.get("RADLENS_DATA")
    found: list[Path] = []
    for name in ("fracatlas/images", "kermany/test") if data else ():
        there = sorted(Path(str(data), name).rglob("*.jpg"))
        found += there[:: max(1, len(there) // (count // 2))][: count // 2]
    if found:
        for k, path in enumerate(found):
            (folder / f"{k:04}.jpg").write_bytes(path.read_bytes())
        return f"{len(found)} films of FracAtlas and Kermany"
    random = np.random.default_rng(0)
    chest = radiograph.read(str(get_testdata_file("RG1_UNCI.dcm", download=False))).pixels
    for k in range(count):
        gray = overlay.shrink(np.roll(chest, 8 * k, axis=1), SIDES[k % len(SIDES)])
        gray = np.clip(gray + random.normal(0, 0.02, gray.shape), 0, 1)
        file = io.BytesIO()
        Image.fromarray((gray * 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        (folder / f"{k:04}.jpg").write_bytes(file.getvalue())
    return f"{count} films made from a chest of pydicom-data, {SIDES} pixels (no RADLENS_DATA)"


def batches(folder: Path, plan: score.Plan) -> list[tuple[Card, np.ndarray]]:
    """Inputs of the networks when the folder is scored, ready in memory."""
    read = {one.file: radiograph.read(folder / one.file).pixels for one in Folder(folder)}
    asked: dict[str, list[np.ndarray]] = {plan.detector.id: list(read.values())}
    for one in score.score(Folder(folder), plan):
        for card in plan.cards([part for part in (one.part, one.also) if part]):
            asked.setdefault(card.id, []).append(read[one.file])
    ready = []
    for model, several in asked.items():
        card = catalogue.get(model)
        for first in range(0, len(several), score.BATCH):
            gray = [
                resize(pixels, card.input_size, card.geometry)[0]
                for pixels in several[first : first + score.BATCH]
            ]
            ready.append((card, scale(np.stack(gray), card.scaling, card.mean_std)))
    return ready


def bare(ready: Sequence[tuple[Card, np.ndarray]]) -> None:
    """Run the networks alone."""
    for card, batch in ready:
        predict.logits(card, batch)


def whole(folder: Path, plan: score.Plan) -> None:
    """Score a folder: everything from files to a file."""
    with tempfile.TemporaryDirectory() as place:
        file = GrowingFile(Path(place, "out.csv"), plan.settings())
        waiting = []
        for scored in score.score(Folder(folder), plan):
            waiting.append(scored)
            if len(waiting) == score.WINDOW:
                file.write(waiting)
                waiting = []
        file.write(waiting)


def seconds(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer films and rounds")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    count, rounds = (FEW, 2) if options.quick else (FILMS, 5)
    plan = score.plan()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = films(folder, count)
        number = Folder(folder).count()
        ready = batches(folder, plan)  # loads and warms every model that is asked
        bare(ready)
        # spread over the collections: the models of one are quicker than those of another
        some = [folder / one.file for one in Folder(folder)][
            :: max(1, number // max(8, number // 8))
        ]
        times: dict[str, list[float]] = {"bare": [], "scoring": [], "one by one": []}
        for _ in range(rounds):
            times["bare"].append(seconds(lambda: bare(ready)) / number)
            times["scoring"].append(seconds(lambda: whole(folder, plan)) / number)
            times["one by one"].append(
                seconds(lambda: [pipeline.read(path) for path in some]) / len(some)
            )
    ratios = [a / b for a, b in zip(times["bare"], times["scoring"], strict=True)]
    quicker = [a / b for a, b in zip(times["one by one"], times["scoring"], strict=True)]
    rows: list[dict[str, object]] = [
        {"name": f"{name.replace(' ', '_')}_films_per_second", "value": 1 / statistics.median(each)}
        for name, each in times.items()
    ]
    rows[0]["films"] = words
    rows.append({"name": "scoring_over_bare_models", "ratio": statistics.median(ratios)})
    rows.append({"name": "scoring_over_one_by_one", "ratio": statistics.median(quicker)})
    for row in rows:
        print(json.dumps(row) if options.json else _words(row))


def _words(row: dict[str, object]) -> str:
    value = row.get("ratio", row.get("value"))
    unit = "x" if "ratio" in row else "films/s"
    return f"{row['name']!s:<40}{value:10.2f} {unit}  {row.get('films', '')}".rstrip()


if __name__ == "__main__":
    main()
