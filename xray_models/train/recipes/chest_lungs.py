"""chest-lungs: where the lungs are, right and left, on films of children and adults.

Half of an epoch's films show adults, of whom there are few. Most epochs read 160 pixels, at half
the cost of 224. Contrast, exposure, borders, windows and gray levels borrowed from other
films vary widely, since it is to hold on films of other hospitals.
"""

from xray_models.datasets import lung_masks
from xray_models.train.recipe import Augmentation
from xray_models.train.segmentation.recipe import SegmentationRecipe, Stage

__all__ = ["RECIPE"]

RECIPE = SegmentationRecipe(
    model="chest-lungs",
    films=lung_masks.films,
    checks={"nih": lung_masks.unet_masks},
    architecture="lite0-pyramid",
    input_size=(224, 224),
    source_size=256,
    geometry="fit",
    scaling="imagenet",
    start="lite0",
    stages=(
        Stage(epochs=7, size=160, films=1280, batch=16),
        Stage(epochs=4, size=224, films=960, batch=8),
    ),
    learning_rate=1e-3,
    augmentation=Augmentation(
        rotation=20,
        zoom=(0.7, 1.5),
        shift=0.08,
        flip_horizontal=False,  # right and left change places: `mirrored` sees to it
        gamma=0.6,
        contrast=0.3,
        noise=0.03,
        invert=0.05,
        sharpness=0.8,
        tone=0.5,
        aspect=0.25,
    ),
)
