"""chest-start: the start of chest-14; not in the catalogue itself.

chest-pneumonia's training with EfficientNetB0: several thousand chests teach a network more of
lungs than 1,500 can.
"""

from dataclasses import replace

from xray_models.train.recipes import chest_pneumonia

__all__ = ["RECIPE"]

RECIPE = replace(
    chest_pneumonia.RECIPES["chest-pneumonia"].with_architecture("efficientnetb0"),
    model="chest-start",
    learning_rate=6e-4,
    epochs=4,
    external=(),
)
