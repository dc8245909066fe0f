"""Inputs that are no radiographs, for teaching the detector to abstain: photographs, text, noise.

Photographs are the open test pictures that scikit-image, scikit-learn and matplotlib bring.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from xray_models import radiograph
from xray_models.datasets.films import Film

__all__ = ["KINDS", "DrawnFilm", "films", "photographs"]

KINDS = ("photograph", "text", "noise")
_WORDS = (
    "the patient was seen today report of an examination with normal limits right left and "
    "comparison none technique two views impression no acute abnormality signed page of"
).split()


@dataclass(frozen=True)
class DrawnFilm(Film):
    """A film whose pixels are made on demand from its kind and seed."""

    kind: str = "noise"
    seed: int = 0

    def pixels(self) -> np.ndarray:
        """Gray pixels, float32 in 0..1, shape (height, width)."""
        random = np.random.default_rng((self.seed, KINDS.index(self.kind)))
        if self.kind == "photograph":
            return _photograph(self.path, random)
        return _text(random) if self.kind == "text" else _noise(random)

    def there(self) -> bool:
        """True: it is drawn when it is needed."""
        return True

    def flaw(self) -> str:
        """Empty: nothing is read but the photographs of installed packages."""
        return ""


def photographs() -> list[Path]:
    """Photographs that installed packages bring, sorted by name.

    Raises:
        ModuleNotFoundError: scikit-image or scikit-learn is not installed.
    """
    folders = {
        "skimage": ("data", ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left",
                             "brick", "grass", "gravel", "coins", "horse", "ihc", "retina",
                             "hubble_deep_field", "cell", "moon", "camera")),
        "sklearn": ("datasets/images", ("china", "flower")),
    }  # fmt: skip
    found = [Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"]
    for package, (folder, names) in folders.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(
                f"The photographs of the package {package} are missing: it is not installed.",
                name=package,
            )
        home = Path(spec.origin).parent / folder
        found += [path for path in home.iterdir() if path.stem in names and path.suffix != ".npy"]
    return sorted(found, key=lambda path: path.name)


def films(kind: str, seeds: range, truth: int, paths: list[Path] | None = None) -> list[Film]:
    """Drawn films, one per seed.

    Args:
        kind: one of `KINDS`.
        seeds: every seed gives another picture; disjoint ranges give disjoint pictures.
        truth: class index of all of them.
        paths: photographs to cut from, for kind "photograph".
    """
    found: list[Film] = []
    for seed in seeds:
        path = paths[seed % len(paths)] if paths else Path(kind)
        group = f"{kind}-{path.stem}" if paths else f"{kind}-{seed}"
        facts = {"source": kind}
        image = f"{kind}-{seed}"
        found.append(DrawnFilm(path, image, group, truth, facts=facts, kind=kind, seed=seed))
    return found


def _photograph(path: Path, random: np.random.Generator) -> np.ndarray:
    gray = radiograph.read(path).pixels
    share = random.uniform(0.4, 1.0)
    height, width = (round(side * share) for side in gray.shape)
    left = int(random.integers(0, gray.shape[1] - width + 1))
    top = int(random.integers(0, gray.shape[0] - height + 1))
    return gray[top : top + height, left : left + width]


def _text(random: np.random.Generator) -> np.ndarray:
    width, height = random.integers(300, 900, 2)
    dark_on_light = random.random() < 0.8
    page = Image.new("L", (int(width), int(height)), 245 if dark_on_light else 10)
    draw = ImageDraw.Draw(page)
    size = int(random.integers(10, 36))
    font = ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size
    )
    margin = int(random.integers(5, 50))
    for top in range(margin, int(height) - margin, int(size * random.uniform(1.2, 2))):
        if random.random() < 0.15:
            continue
        line = " ".join(random.choice(_WORDS, int(random.integers(2, 14))))
        draw.text((margin, top), line, fill=20 if dark_on_light else 235, font=font)
    page = page.rotate(float(random.normal(0, 2)), fillcolor=245 if dark_on_light else 10)
    return np.asarray(page, np.float32) / 255


def _noise(random: np.random.Generator) -> np.ndarray:
    height, width = (int(side) for side in random.integers(200, 500, 2))
    kind = random.integers(0, 5)
    if kind == 0:
        return np.full((height, width), random.random(), np.float32)
    if kind == 1:
        values = random.random((height, width))
    elif kind == 2:  # smooth blobs
        small = Image.fromarray(
            random.random((int(random.integers(3, 24)),) * 2).astype(np.float32)
        )
        values = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    elif kind == 3:  # gradient
        direction = random.normal(size=2)
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        values = direction[0] * x + direction[1] * y
        values = (values - values.min()) / max(float(np.ptp(values)), 1e-6)
    else:  # bright shapes on black
        canvas = Image.new("L", (width, height), int(random.integers(0, 40)))
        draw = ImageDraw.Draw(canvas)
        for _ in range(int(random.integers(1, 8))):
            x0, x1 = sorted(int(v) for v in random.integers(0, width, 2))
            y0, y1 = sorted(int(v) for v in random.integers(0, height, 2))
            shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
            shape((x0, y0, x1, y1), fill=int(random.integers(30, 255)))
        blurred = canvas.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 8))))
        values = np.asarray(blurred, np.float32) / 255
    return np.clip(values, 0, 1).astype(np.float32)
