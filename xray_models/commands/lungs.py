"""`train chest-lungs` and `publish chest-lungs`."""

from __future__ import annotations

from pathlib import Path

import typer

from xray_models.commands import fail
from xray_models.commands.training import Data, Resume, Run, log_to
from xray_models.commands.training_packages import needs_training_packages

__all__ = ["publish_lungs", "train_lungs"]

_RUN = Path("runs/chest-lungs")


@needs_training_packages
def train_lungs(data: Data, run: Run = None, resume: Resume = False) -> None:
    """Train chest-lungs, which tells where the lungs are, on masks that people drew."""
    from xray_models.datasets import DataSetError
    from xray_models.train.recipes.chest_lungs import RECIPE
    from xray_models.train.segmentation import loop

    folder = run or _RUN
    try:
        log_to(folder)
        typer.echo(f"kept weights: {loop.fit(RECIPE, data, folder, resume)}")
    except (DataSetError, ValueError, OSError) as error:
        fail(str(error))


@needs_training_packages
def publish_lungs(data: Data, run: Run = None) -> None:
    """Judge a finished run of chest-lungs on its held-out films and write it to assets/."""
    from xray_models.datasets import DataSetError
    from xray_models.report import segmenter_text
    from xray_models.train.recipes.chest_lungs import RECIPE
    from xray_models.train.segmentation import publishing

    try:
        card = publishing.publish(RECIPE, data, run or _RUN)
    except (DataSetError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(segmenter_text.report(card))
