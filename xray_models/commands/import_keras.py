"""`import keras`: a user's own Keras weights as a model of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xray_models.catalogue import CatalogueError
from xray_models.commands import fail
from xray_models.commands.options import OwnFolder, Replace, own_folder, tell_imported

__all__ = ["import_keras"]


def import_keras(
    weights: Annotated[
        Path, typer.Argument(help="File of Keras 2 or 3: .h5, .weights.h5, .keras.")
    ],
    model: Annotated[
        str, typer.Option("--as", help="Id to import as: bone-wrist, bone-general, chest-NAME.")
    ],
    arch: Annotated[
        str,
        typer.Option(
            help="densenet169, densenet121, efficientnetb0, mobilenet, mobilenetv2, vgg16; with "
            "mean pooling and one dense layer. vgg16 also flattened: with one dense layer, or with "
            "its own 4096, 4096 and one."
        ),
    ] = "densenet169",
    scaling: Annotated[
        str,
        typer.Option(
            help="How gray values were scaled: unit (pixels / 255), symmetric (-1 to 1), imagenet "
            "or z-score."
        ),
    ] = "unit",
    mean: Annotated[
        float | None, typer.Option(help="For z-score: mean of the 0 to 255 pixels.")
    ] = None,
    std: Annotated[
        float | None, typer.Option(help="For z-score: standard deviation of the 0 to 255 pixels.")
    ] = None,
    geometry: Annotated[
        str, typer.Option(help="How films were resized: stretch, as Keras does, or fit (padded).")
    ] = "stretch",
    size: Annotated[
        int | None, typer.Option(help="Input height and width; the file's own, else 224.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Names of the outputs, in order, with commas. Default: abnormal."),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="sigmoid or softmax, where the file does not tell.")
    ] = None,
    inverted: Annotated[
        bool, typer.Option("--inverted", help="The one output is the probability of normal.")
    ] = False,
    threshold: Annotated[float, typer.Option(help="Operating point, between 0 and 1.")] = 0.5,
    name: Annotated[str | None, typer.Option(help="What pages call the model.")] = None,
    weights_license: Annotated[
        str | None, typer.Option("--license", help="License of the weights.")
    ] = None,
    to: OwnFolder = None,
    replace: Replace = False,
) -> None:
    """Bring Keras weights into your own folder of models. No code in the file is run."""
    import dataclasses

    from xray_models.importers.keras_file import ImportRefused
    from xray_models.importers.keras_model import Wanted, import_file
    from xray_models.importers.user_models import UserModelError

    folder = own_folder(to)
    if (mean is None) != (std is None) or (scaling == "z-score") != (mean is not None):
        fail("The scaling z-score takes --mean and --std, and no other does.")
    wanted = Wanted(
        model=model,
        architecture=arch,
        scaling=scaling,
        mean_std=() if mean is None or std is None else (mean, std),
        geometry=geometry,
        labels=tuple(one.strip() for one in labels.split(",")) if labels else (),
        input_size=None if size is None else (size, size),
        threshold=threshold,
        activation=activation,
        inverted=inverted,
        name=name,
    )
    if weights_license is not None:
        wanted = dataclasses.replace(wanted, license=weights_license)
    try:
        card = import_file(weights, wanted, folder, replace)
    except (ImportRefused, UserModelError, CatalogueError, OSError) as error:
        fail(str(error))
    tell_imported(card, folder)
