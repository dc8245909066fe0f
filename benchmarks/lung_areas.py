"""Share of each lung under a model's strongest heat, beside that under boxes of radiologists.

    python -m benchmarks.lung_areas --data FOLDER [--model chest-pneumonia] [--label pneumonia]

FOLDER holds the films of the NIH with the opacity boxes of the RSNA. Only films with a box
count: each has an opacity somewhere. The question is whether the map tells
how much, and in which lung.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from xray_models import pipeline
from xray_models.datasets import boxes
from xray_models.radiograph import Radiograph
from xray_models.report import lung_zones

_SIDE = 256  # films are looked at this small
_HOT = 0.5  # of the maximum


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADLENS_DATA"))
    parser.add_argument("--model", default="chest-pneumonia")
    parser.add_argument("--label", default="pneumonia")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is missing: the folder with the data sets.")
    drawn, hot, left_out = _shares(options.data, options.model, options.label)
    title = f"{options.model}, {options.label}: {len(drawn)} lungs"
    print(f"{title}; no lungs found on {left_out} films")
    print(f"  share of a lung in boxes, mean        {drawn.mean():.2f}")
    print(f"  share of a lung under the heat, mean  {hot.mean():.2f}")
    print(f"  mean absolute difference              {np.abs(hot - drawn).mean():.2f}")
    usual = np.abs(drawn - np.median(drawn)).mean()
    print(f"  the same, were the median always said {usual:.2f}")
    print(f"  rank correlation                      {spearmanr(drawn, hot).statistic:.2f}")
    uneven = np.abs(drawn[::2] - drawn[1::2]) > 0.1
    right = np.sign(drawn[::2] - drawn[1::2]) == np.sign(hot[::2] - hot[1::2])
    same = right[uneven].mean()
    print(f"  the lung with more of it is the same  {same:.2f} of {uneven.sum()} films")


def _shares(data: Path, model: str, label: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Shares of each lung in boxes and under the heat, right and left of each film in turn."""
    drawn: list[float] = []
    hot: list[float] = []
    left_out = 0
    for one in boxes.load(data, "RSNA"):
        film = Radiograph(one.film.pixels(), source_format="file")
        found = pipeline.lungs(film, model)
        if found is None:
            left_out += 1
            continue
        kinds = found.on_radiograph((_SIDE, _SIDE))
        heat = pipeline.explain(film, model, label).on_radiograph((_SIDE, _SIDE))
        marked = np.zeros((_SIDE, _SIDE), bool)
        for x0, y0, x1, y1 in np.rint(one.corners * _SIDE).astype(int):
            marked[y0:y1, x0:x1] = True
        drawn += lung_zones.affected(marked, kinds).values()
        hot += lung_zones.affected((heat >= _HOT * heat.max()) & (heat > 0), kinds).values()
    return np.array(drawn), np.array(hot), left_out


if __name__ == "__main__":
    main()
