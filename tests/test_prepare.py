"""FracAtlas as published, drawn small: what preparing it writes, training can read."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from xray_models.catalogue import assets
from xray_models.cli import app
from xray_models.datasets import DataSetError, fracatlas, prepare
from xray_models.datasets.films import rows

FLAGS = "hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured"


@pytest.fixture
def published(tmp_path):
    listed = [row["image"] for _, row in fracatlas_rows("fracatlas_landmarks.csv")]
    names = list(dict.fromkeys(listed))[:3]
    root = tmp_path / "FracAtlas"
    lines = [f"image_id,{FLAGS}"]
    coco = {"images": [], "annotations": []}
    for index, name in enumerate(names):
        kind = "Fractured" if index == 0 else "Non_fractured"
        (root / "images" / kind).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 255, (900, 700, 3), np.uint8)
        Image.fromarray(pixels).save(root / "images" / kind / name)
        lines.append(f"{name},1,0,0,0,0,0,0,{int(index == 0)}")
    coco["images"].append({"id": 7, "file_name": names[0], "width": 700, "height": 900})
    coco["annotations"].append({"image_id": 7, "bbox": [70, 90, 140, 180]})
    (root / "dataset.csv").write_text("\n".join(lines) + "\n")
    folder = root / "Annotations" / "COCO JSON"
    folder.mkdir(parents=True)
    (folder / "COCO_fracture_masks.json").write_text(json.dumps(coco))
    return root, names


def fracatlas_rows(name):
    return rows(assets() / "annotations" / name, ("image",))


def test_a_prepared_folder_can_be_trained_on(published, tmp_path):
    root, names = published
    missing = prepare.fracatlas(root, tmp_path / "out")
    films = {film.image: film for film in fracatlas.films(tmp_path / "out")}
    assert sorted(films) == sorted(names) and set(missing).isdisjoint(names)
    assert films[names[0]].truth == 1 and films[names[1]].truth == 0
    assert films[names[0]].lesions == (pytest.approx((0.1, 0.1, 0.3, 0.3)),)
    assert max(films[names[0]].pixels().shape) == prepare.LONG_SIDE
    crops = fracatlas.crops(tmp_path / "out", films)
    assert sum(len(part) for part in crops.values()) > 0


def test_every_landmark_lies_on_its_film_and_every_film_has_a_group():
    groups = {row["image"] for _, row in fracatlas_rows("fracatlas_groups.csv")}
    seen = 0
    for _, row in fracatlas_rows("fracatlas_landmarks.csv"):
        assert row["image"] in groups
        values = [
            float(row[f"{point}{axis}"])
            for point in "FMWES"
            for axis in "xy"
            if row[f"{point}{axis}"]
        ]
        assert all(-5 <= value <= 105 for value in values)
        seen += len(values)
    assert seen > 5000


def test_a_wrong_folder_is_refused_in_a_sentence(published, tmp_path):
    root, _ = published
    with pytest.raises(DataSetError, match=r"dataset\.csv: no such file"):
        prepare.fracatlas(tmp_path, tmp_path / "out")
    (root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json").write_text("{}")
    told = CliRunner().invoke(app, ["prepare", "fracatlas", str(root), str(tmp_path / "out")])
    assert told.exit_code == 2 and "not the boxes of FracAtlas" in told.stderr
