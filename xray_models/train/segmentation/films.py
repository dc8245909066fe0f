"""Films of a segmentation's training, decoded: pixels and kinds of pixels at one size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tqdm import tqdm

from xray_models.datasets.lung_masks import LungFilm
from xray_models.radiograph.preprocess import resize

__all__ = ["DecodedFilms", "decode"]


@dataclass(frozen=True, eq=False)
class DecodedFilms:
    """Decoded films.

    Attributes:
        images: uint8, (films, side, side); black beyond the film.
        kinds: uint8, same shape, as `LungFilm.kinds`; outside beyond the film.
        sources: which data set each film is from, str, (films,).
    """

    images: np.ndarray
    kinds: np.ndarray
    sources: np.ndarray


def decode(films: list[LungFilm], side: int, geometry: str, name: str) -> DecodedFilms:
    """Decode and resize films with their masks.

    Args:
        films: what to decode.
        side: height and width wanted, in pixels.
        geometry: as `preprocess.resize` takes it.
        name: for the progress bar.

    Raises:
        DataSetError: a film or a mask cannot be read.
    """

    def one(lungs: LungFilm) -> tuple[np.ndarray, np.ndarray]:
        pixels, kinds = lungs.film.pixels(), lungs.kinds()
        gray, at = resize(pixels, (side, side), geometry)
        inner = (round(at.width * at.scale_x), round(at.height * at.scale_y))
        small = np.zeros((side, side), np.uint8)
        top, left = int(at.top), int(at.left)
        nearest = Image.fromarray(kinds).resize(inner, Image.Resampling.NEAREST)
        small[top : top + inner[1], left : left + inner[0]] = np.asarray(nearest)
        return np.round(gray * 255).astype(np.uint8), small

    with ThreadPoolExecutor() as pool:
        pairs = list(tqdm(pool.map(one, films), f"decode {name}", len(films)))
    return DecodedFilms(
        images=np.stack([gray for gray, _ in pairs]),
        kinds=np.stack([kinds for _, kinds in pairs]),
        sources=np.array([lungs.film.facts["source"] for lungs in films]),
    )
