"""Data sets as published, drawn small: what preparing them writes, training can read."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image, ImageOps
from typer.testing import CliRunner

from xray_models.catalogue import assets
from xray_models.cli import app
from xray_models.commands.prepare import prepare_webfilms as command
from xray_models.datasets import DataSetError, fracatlas, prepare, prepare_webfilms, webfilms
from xray_models.datasets.alike import difference_hash, distance
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


def test_a_film_that_cannot_be_read_stops_or_is_left_out(published, tmp_path):
    root, names = published
    damaged = root / "images" / "Non_fractured" / names[1]
    damaged.write_bytes(damaged.read_bytes()[:5000])
    command = ["prepare", "fracatlas", str(root), str(tmp_path / "out")]
    message = CliRunner().invoke(app, command)
    assert message.exit_code == 2
    assert f"{damaged}: cannot be read as an image" in message.stderr.replace("\n", "")
    message = CliRunner().invoke(app, [*command, "--lenient"])
    assert message.exit_code == 0
    assert f"left out: {damaged}: cannot be read" in message.stderr.replace("\n", "")
    films = {film.image for film in fracatlas.films(tmp_path / "out")}
    assert films == {names[0], names[2]}


def test_a_wrong_folder_is_refused_in_a_sentence(published, tmp_path):
    root, _ = published
    with pytest.raises(DataSetError, match=r"dataset\.csv: no such file"):
        prepare.fracatlas(tmp_path, tmp_path / "out")
    (root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json").write_text("{}")
    message = CliRunner().invoke(app, ["prepare", "fracatlas", str(root), str(tmp_path / "out")])
    assert message.exit_code == 2 and "not the boxes of FracAtlas" in message.stderr


NAMES = {"w000.jpg": "7", "w001.jpg": "7_jpg", "w002.jpg": "12"}
POINTS = ",".join(f"{point}{axis}" for point in "FMWES" for axis in "xy")


def film(seed: int) -> Image.Image:
    """Blobs that no other seed, no mirror and no turn shows alike."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 255, (12, 9), np.uint8))
    return small.resize((600, 800), Image.Resampling.BICUBIC)


@pytest.fixture
def exported(tmp_path, monkeypatch) -> Path:
    """An export with three copies of a film: mirrored, as annotated, turned. Assets that fit it."""
    root = tmp_path / "export"
    lines = [f"image,view,study,{POINTS},flags,name,dhash"]
    for seed, (image, name) in enumerate(NAMES.items()):
        drawn = film(seed)
        copies = [ImageOps.mirror(drawn), drawn, drawn.rotate(5)]
        folder = root / ("valid" if seed == 2 else "train")
        for kind in ("images", "labels"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        for number, copy in enumerate(copies):
            stem = f"{name}.rf.{number}{seed}abc"
            copy.save(folder / "images" / f"{stem}.jpg")
            box = f"1 0.{number + 2} 0.5 0.2 0.1\n"
            (folder / "labels" / f"{stem}.txt").write_text(box if seed < 2 else "")
        kept = drawn.resize((336, 448))
        lines.append(f"{image},a,forearm,,,,,50,20,50,80,,,,{name},{difference_hash(kept)}")
    (tmp_path / "assets" / "annotations").mkdir(parents=True)
    table = tmp_path / "assets" / "annotations" / "webfilms_landmarks.csv"
    table.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path / "assets"))
    return root


def test_of_several_copies_of_a_film_the_annotated_one_is_prepared(exported, tmp_path):
    out = tmp_path / "out"
    assert prepare_webfilms.webfilms(exported, out) == []
    listed = {row["image"]: row for _, row in rows(out / "labels.csv", ("image", "name"))}
    assert {image: row["name"] for image, row in listed.items()} == NAMES
    assert listed["w000.jpg"]["width"] == "600" and listed["w000.jpg"]["height"] == "800"
    for seed, image in enumerate(NAMES):
        with Image.open(out / "images" / image) as picture:
            assert picture.size == (336, 448)
            assert distance(difference_hash(picture), difference_hash(film(seed))) <= 6
    boxes, broken = fracatlas.fractures(out)
    assert boxes == {name: [(0.2, 0.45, 0.2, 0.1)] for name in ("w000.jpg", "w001.jpg")}
    assert not broken
    crops = webfilms.crops(out)["forearm"]
    assert [film.image.split("#")[0] for film in crops] == [
        "webfilms/w000.jpg",
        "webfilms/w001.jpg",
    ]
    assert len(webfilms.studies(out)) == 3, "a film without boxes still shows its part"


def test_films_that_an_export_shows_otherwise_are_named_as_missing(exported, tmp_path):
    (annotated,) = exported.rglob("12.rf.1*.jpg")
    annotated.unlink()
    assert prepare_webfilms.webfilms(exported, tmp_path / "out") == ["12"]
    images = [row["image"] for _, row in rows(tmp_path / "out" / "labels.csv", ("image",))]
    assert images == ["w000.jpg", "w001.jpg"]
    assert len(webfilms.studies(tmp_path / "out")) == 2, "landmarks alone make no film"


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("1 0.5 0.5 0.2 0.1\n9 0.5 0.5 0.2 0.1\n", r"\.txt, line 2: .*not a class from 0 to 3"),
        ("1 0.5 0.5 0.2\n", r"\.txt, line 1: .*YOLO"),
        (None, r"\.jpg: there is no 7\.rf\..*\.txt with its boxes"),
    ],
)
def test_an_export_in_another_format_is_refused_by_file_and_line(
    exported, tmp_path, boxes, message
):
    (label,) = exported.rglob("7.rf.1*.txt")
    if boxes is None:
        label.unlink()
    else:
        label.write_text(boxes)
    with pytest.raises(DataSetError, match=message):
        prepare_webfilms.webfilms(exported, tmp_path / "out")


def test_the_command_says_what_is_missing_and_refuses_a_wrong_folder(exported, tmp_path):
    alone = typer.Typer()
    alone.command()(command)
    (annotated,) = exported.rglob("12.rf.1*.jpg")
    annotated.unlink()
    message = CliRunner().invoke(alone, [str(exported), str(tmp_path / "out")])
    assert message.exit_code == 0 and "1 films are not there: 12" in message.stderr
    (kept,) = exported.rglob("7.rf.1*.jpg")
    kept.write_bytes(kept.read_bytes()[:5000])
    message = CliRunner().invoke(alone, [str(exported), str(tmp_path / "out")])
    assert message.exit_code == 2 and "cannot be read as an image" in message.stderr
    message = CliRunner().invoke(alone, [str(exported), str(tmp_path / "out"), "--lenient"])
    assert message.exit_code == 0 and "2 films are not there: 7, 12" in message.stderr
    message = CliRunner().invoke(alone, [str(tmp_path / "out"), str(tmp_path / "again")])
    assert message.exit_code == 2 and "none of the films is there" in message.stderr


def test_every_web_film_has_a_public_name_and_a_hash_of_its_own():
    found = {}
    for _, row in rows(assets() / "annotations" / "webfilms_landmarks.csv", ("name", "dhash")):
        found.setdefault(row["image"], set()).add((row["name"], row["dhash"]))
    assert len(found) == 359 and all(len(one) == 1 for one in found.values())
    films = [one for (one,) in found.values()]
    assert len({name for name, _ in films}) == 359
    hashes = [int(dhash, 16) for _, dhash in films]
    nearest = min((one ^ other).bit_count() for i, one in enumerate(hashes) for other in hashes[:i])
    assert nearest > 16, "or a film could be taken for another"


def test_the_hashes_are_those_of_the_annotated_films(data):
    for _, row in rows(assets() / "annotations" / "webfilms_landmarks.csv", ("image", "dhash")):
        with Image.open(data / "webfilms" / "images" / row["image"]) as picture:
            assert difference_hash(picture) == row["dhash"]
