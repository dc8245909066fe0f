"""bone-elbow ... bone-wrist: fractured or not, one model for each of MURA's seven parts.

Each goes on from bone-regions-fine of the same fold, with the films of its part alone; the lower
half of the network stays, because a part has between 20 and 400 fractured films. Another network
has no such start: from a general one it trains as long and as fast as bone-regions did.
"""

from dataclasses import replace
from pathlib import Path

from xray_models import BONE_PARTS
from xray_models.datasets import Film, fracatlas, webfilms
from xray_models.train.recipe import LongerWay, Recipe
from xray_models.train.recipes import bone_regions

__all__ = ["RECIPES"]

_REGIONS = bone_regions.RECIPES["bone-regions"]


def _films(data: Path, part: str) -> dict[str, list[Film]]:
    every = {film.image: film for film in fracatlas.films(data / "fracatlas")}
    web = webfilms.crops(data / "webfilms")[part] if part in bone_regions.WEB_PARTS else []
    return {"folds": fracatlas.crops(data / "fracatlas", every)[part], "train": web}


def _recipe(part: str) -> Recipe:
    return replace(
        bone_regions.FINE,
        model=f"bone-{part}",
        films=lambda data: _films(data, part),
        start="run:bone-regions-fine",
        longer_way=LongerWay(
            epochs=_REGIONS.epochs,
            learning_rate=_REGIONS.learning_rate,
            averaging=_REGIONS.averaging,
            films_per_epoch=_REGIONS.films_per_epoch,
        ),
        frozen_until="block4c_add",
        epochs=2,
        films_per_epoch=640,
        learning_rate=1e-4,
        averaging=0.98,
        rival="bone-general",
    )


RECIPES = {f"bone-{part}": _recipe(part) for part in BONE_PARTS}
