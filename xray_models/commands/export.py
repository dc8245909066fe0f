"""`export`: a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.catalogue import Card, CatalogueError, get
from xray_models.commands import fail

if TYPE_CHECKING:
    import numpy as np

__all__ = ["export"]


def export(
    model: Annotated[str, typer.Argument(help="Id of a model.")],
    form: Annotated[str, typer.Option("--to", help="onnx, openvino, savedmodel or tflite.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
    int8: Annotated[
        bool, typer.Option("--int8", help="TFLite with weights in eight bits: a quarter the size.")
    ] = False,
) -> None:
    """Write a model for other programs, with its labels and thresholds in a file beside it."""
    from xray_models.inference import export as exporting
    from xray_models.inference.weights import WeightsError

    try:
        card = get(model)
        done = exporting.export(card, form, out, _pictures(card), int8)
    except (exporting.ExportRefused, CatalogueError, WeightsError, OSError) as error:
        fail(str(error))
    typer.echo(
        f"{done.path}, {done.bytes / 1e6:.1f} MB. On {done.pictures} pictures no probability "
        f"differs by more than {done.difference:.2g} from {card.id}'s. Labels, thresholds and "
        f"scaling are in {done.path.name}.json. License of the weights: {card.weights.license}."
    )


def _pictures(card: Card) -> np.ndarray:
    """The sample films that need no network, each also turned, as the model takes them."""
    import numpy as np

    from xray_models import radiograph
    from xray_models.datasets import samples
    from xray_models.radiograph.preprocess import resize, scale

    found = []
    for name in ("chest", "lower-leg"):
        pixels = radiograph.read(samples.content(name)).pixels
        gray, _ = resize(pixels, card.input_size, card.geometry)
        found += [gray, gray[:, ::-1], gray[::-1]]
    return scale(np.stack(found), card.scaling, card.mean_std)
