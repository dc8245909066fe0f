"""Cards of untrained networks on drawn films, for what needs a card, weights and a data folder."""

import hashlib
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
from PIL import Image

from xray_models import networks
from xray_models.catalogue import Calibration, HeldOut, get
from xray_models.datasets import Film
from xray_models.evaluate.explanations.held_out_films import HeldOutFilm
from xray_models.inference import weights

FILMS = 12
LABEL = "nodule"


def card(assets, architecture, size=(64, 64)):
    """A card with one label, its random weights and its held-out table written to `assets`."""
    name = f"toy-{architecture}"
    for folder in ("weights", "held_out"):
        (assets / folder).mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    file = assets / "weights" / f"{name}.safetensors"
    weights.save(networks.build(architecture, size, 1), file)
    model = get("chest-nodule")
    rows = [
        (f"{i}.png", f"g{i}", "test", LABEL if i % 2 else "none", 0.9 if i % 2 else 0.1)
        for i in range(FILMS)
    ]
    columns = ["image", "group", "split", "truth", f"p:{LABEL}"]
    pd.DataFrame(rows, columns=columns).to_csv(assets / "held_out" / f"{name}.csv", index=False)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return replace(
        model,
        id=name,
        architecture=architecture,
        input_size=size,
        labels=(LABEL,),
        combined={},
        thresholds={LABEL: 0.5},
        weights=replace(model.weights, file=file.name, sha256=digest),
        held_out=HeldOut(f"{name}.csv", FILMS, FILMS, {}),
        calibration=Calibration(1.0, (0.0,)),
    )


def films(folder):
    """Drawn films with a bright spot each, at another place."""
    found = []
    for i in range(FILMS):
        random = np.random.default_rng(i)
        y, x = random.uniform(0.2, 0.8, 2)
        rows, columns = np.mgrid[0:80, 0:80] / 80
        spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 0.02)
        gray = 40 + 150 * spot + random.normal(0, 8, spot.shape)
        Image.fromarray(gray.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
        film = Film(folder / f"{i}.png", f"{i}.png", f"g{i}", truth=i % 2)
        found.append(HeldOutFilm(film, "test"))
    return found
