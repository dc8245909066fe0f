"""bone-elbow ... bone-wrist: fractured or not, one model for each of MURA's seven parts.

Each goes on from bone-regions of the same fold, with the films of its part alone; the lower half of
the network stays, because a part has between 20 and 400 fractured films.
"""

from pathlib import Path

from xray_models import BONE_PARTS
from xray_models.datasets import Film, fracatlas, webfilms
from xray_models.train.bone_regions import AUGMENTATION, WEB_PARTS
from xray_models.train.recipe import Recipe


def _films(data: Path, part: str) -> dict[str, list[Film]]:
    every = {film.image: film for film in fracatlas.films(data / "fracatlas")}
    web = webfilms.crops(data / "webfilms")[part] if part in WEB_PARTS else []
    return {"folds": fracatlas.crops(data / "fracatlas", every)[part], "train": web}


def _recipe(part: str) -> Recipe:
    return Recipe(
        model=f"bone-{part}",
        films=lambda data: _films(data, part),
        labels=("fracture",),
        two_class=True,
        architecture="efficientnetb0",
        input_size=(192, 192),
        geometry="fit",
        scaling="imagenet",
        source_size=(256, 256),
        start="run:bone-regions",
        frozen_until="block4c_add",
        folds=3,
        epochs=2,
        batch=32,
        films_per_epoch=640,
        learning_rate=1e-4,
        dropout=0.3,
        averaging=0.98,
        rival="bone-general",
        augmentation=AUGMENTATION,
    )


RECIPES = {f"bone-{part}": _recipe(part) for part in BONE_PARTS}
