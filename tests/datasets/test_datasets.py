"""Data sets with something missing or malformed: told by table and line, left out or stopped at."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xray_models import BONE_PARTS, catalogue
from xray_models.datasets import (
    DataSetError,
    Film,
    body_parts,
    boxes,
    chexnet,
    fracatlas,
    kermany,
    nih,
    webfilms,
)
from xray_models.datasets.checking import checked
from xray_models.datasets.films import film_rows, rows
from xray_models.datasets.problems import collecting
from xray_models.train import locate_films

POINTS = ",".join(f"{point}{axis}" for point in "FMWES" for axis in "xy")
ARM = "50,5,50,20,50,40,50,80,,"
"""An upright arm from fingertip to elbow, as a row of landmarks."""

FRACATLAS = "image,group,hand,leg,hip,shoulder,hardware,multiscan,fractured"
NIH = "image,finding_labels,patient_id,age,sex,view,rsna_class,source"
KERMANY = "image,split,label,patient,md5_of_original"


def picture(path: Path, gray: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((320, 240), gray, np.uint8)
    pixels[::7] = 255 - gray
    Image.fromarray(pixels).save(path)


def table(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def add(path: Path, line: str) -> int:
    """Add a line to a table; its number."""
    path.write_text(path.read_text() + line + "\n")
    return len(path.read_text().splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder: arms (0 to 5, the first two broken), legs, chests, knees, a web film."""
    bones = tmp_path / "fracatlas"
    for i in range(12):
        picture(bones / "images" / f"{i}.jpg", 20 * i)
    arms = [f"{i}.jpg,{i},1,0,0,0,0,0,{int(i < 2)}" for i in range(6)]
    legs = [f"{i}.jpg,{i},0,1,0,0,0,0,0" for i in range(6, 12)]
    table(bones / "labels.csv", FRACATLAS, *arms, *legs)
    table(bones / "fracture_boxes.csv", "image,x,y,w,h", *(f"{i}.jpg,.4,.5,.1,.1" for i in (0, 1)))
    studies = [f"{i}.jpg,a,forearm,{ARM}" for i in range(6)]
    table(bones / "landmarks.csv", f"image,view,study,{POINTS}", *studies)

    shutil.copytree(bones, tmp_path / "webfilms")
    table(tmp_path / "webfilms" / "labels.csv", "image", "0.jpg", "1.jpg")
    table(
        tmp_path / "webfilms" / "landmarks.csv",
        f"image,view,study,{POINTS},flags",
        f"0.jpg,a,forearm,{ARM},",
        f"1.jpg,a,forearm,{ARM},arrow",
    )

    for i in range(4):
        picture(tmp_path / "nih" / "images" / f"{i}.jpg", 30 * i)
    chests = [f"{i}.jpg,{'Mass|Nodule' if i else 'No Finding'},{i},50,F,PA,,x" for i in range(4)]
    table(tmp_path / "nih" / "labels.csv", NIH, *chests)
    children = [f"{split}/{i}.jpg,{split},normal,{split}{i},{split}{i}" for i in range(3)
                for split in ("train", "test")]  # fmt: skip
    table(tmp_path / "kermany" / "labels.csv", KERMANY, *children)
    for i in range(3):
        picture(tmp_path / "kermany" / "train" / f"{i}.jpg", 40 * i)
        picture(tmp_path / "unifesp" / "images" / f"{i}.jpg", 40 * i)
        picture(tmp_path / "not_radiographs" / "HeadCT" / f"{i}.jpg", 40 * i)
    table(tmp_path / "unifesp" / "labels.csv", "image,parts,patient_id",
          *(f"{i}.jpg,knee,{i}" for i in range(3)))  # fmt: skip
    return tmp_path


def bones(data: Path) -> dict[str, list[Film]]:
    """Whole films and crops of arms, as the bone recipes read them."""
    every = {film.image: film for film in fracatlas.films(data / "fracatlas")}
    crops = fracatlas.crops(data / "fracatlas", every)
    return {
        "train": list(every.values()),
        "folds": [film for part in crops.values() for film in part],
    }


def chests(data: Path) -> dict[str, list[Film]]:
    return {"folds": chexnet.films(data / "nih")}


def children(data: Path) -> dict[str, list[Film]]:
    return {"train": kermany.films(data / "kermany", "train")}


def web(data: Path) -> dict[str, list[Film]]:
    crops = webfilms.crops(data / "webfilms")
    return {"train": [film for part in crops.values() for film in part]}


BONES, BOXES, POINTS_OF = (
    f"fracatlas/{name}.csv" for name in ("labels", "fracture_boxes", "landmarks")
)
WEB, WEB_BOXES = "webfilms/labels.csv", "webfilms/fracture_boxes.csv"
CHESTS, CHILDREN = "nih/labels.csv", "kermany/labels.csv"

# who reads it, the table, a line too many, what is told of it
MISTAKES = [
    (bones, BONES, "3.jpg,9,1,0,0,0,0,0,0", "3.jpg is on line 5 too, and otherwise. List each"),
    (bones, BONES, "3.jpg,3,1,0,0,0,0,0,0", "3.jpg is on line 5 too. List each film once"),
    (bones, BONES, "x.jpg,12,1,0,0,0,yes,0,0", "hardware must be 0 or 1, not 'yes'"),
    (bones, BONES, "x.jpg,,1,0,0,0,0,0,0", "group must not be empty"),
    (bones, BONES, "x.jpg,12,1", "too few columns"),
    (bones, BONES, "x.jpg,12,1,0,0,0,0,0,0", "x.jpg does not exist"),
    (bones, BOXES, "1.jpg,40,50,10,10", "no box on the film in fractions"),
    (bones, BOXES, "1.jpg,.1,wide,.1,.1", "could not convert"),
    (bones, POINTS_OF, "3.jpg,b,forearm,,,,,50,,50,80,,", "could not convert"),
    (bones, POINTS_OF, "3.jpg,b,hand,,,,,50,nan,50,80,,", "no place on the film"),
    (web, WEB, "0.jpg", "0.jpg is on line 2 too"),
    (web, WEB_BOXES, "0.jpg,.1,.1,0,.1", "no box on the film"),
    (chests, CHESTS, "x.jpg,Mumps|Mass,9,50,F,PA,,x", "x.jpg has the unknown finding Mumps"),
    (chests, CHESTS, "x.jpg,No Finding|Mass,9,50,F,PA,,x", "No Finding beside findings"),
    (chests, CHESTS, "x.jpg,Mass,,50,F,PA,,x", "patient_id must not be empty"),
    (children, CHILDREN, "x.jpg,train,measles,9,9", "unknown label 'measles'. Known: normal"),
    (children, CHILDREN, "x.jpg,dev,virus,9,9", "split must be train or test, not 'dev'"),
]


@pytest.mark.parametrize(("read", "name", "line", "what"), MISTAKES)
def test_a_mistake_is_told_by_line_and_left_out_or_stops(folder, caplog, read, name, line, what):
    before = {film.image for some in read(folder).values() for film in some}
    number = add(folder / name, line)
    where = f"{folder / name}, line {number}: "
    with pytest.raises(DataSetError, match=r"Mend the data, or go on .*--lenient") as caught:
        checked(read)(folder)
    assert where in str(caught.value) and what in str(caught.value)

    with caplog.at_level(logging.WARNING):
        films = checked(read, lenient=True)(folder)
    assert where in caplog.text and what in caplog.text
    after = {film.image for some in films.values() for film in some}
    assert after <= before, "and nothing is new"
    assert len({image.split("#")[0] for image in before - after}) <= 1, "others stay"


@pytest.mark.parametrize(
    ("read", "name", "line", "what"), [one for one in MISTAKES if "not exist" not in one[3]]
)
def test_a_reader_alone_stops_at_a_line_that_it_cannot_use(folder, read, name, line, what):
    number = add(folder / name, line)
    with pytest.raises(DataSetError) as caught:
        read(folder)
    assert str(caught.value).startswith(f"{folder / name}, line {number}: ")
    assert what in str(caught.value)


def test_a_film_that_contradicts_itself_is_left_out_altogether(folder):
    path = folder / "fracatlas" / "labels.csv"
    add(path, "4.jpg,4,1,0,0,0,0,0,0")
    add(path, "3.jpg,9,1,0,0,0,0,0,1")
    films = checked(bones, lenient=True)(folder)["train"]
    images = [film.image for film in films]
    assert images.count("4.jpg") == 1 and "3.jpg" not in images


def test_a_film_with_a_broken_box_gives_no_crop_that_passes_for_sound(folder):
    add(folder / "fracatlas" / "fracture_boxes.csv", "1.jpg,.1,wide,.1,.1")
    films = checked(bones, lenient=True)(folder)
    assert films["folds"]
    assert not [film for some in films.values() for film in some if film.image.startswith("1.jpg")]


@pytest.mark.parametrize("damage", ["missing", "no picture", "cut short"])
def test_a_film_that_cannot_be_read_is_told_by_table_and_line(folder, damage):
    path = folder / "fracatlas" / "images" / "2.jpg"
    whole = checked(bones)(folder)
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(
            b"not a picture" if damage == "no picture" else content[: len(content) // 2]
        )
    message = r"labels\.csv, line 4: .*2\.jpg (does not exist|cannot be read as an image)"
    with pytest.raises(DataSetError, match=message):
        checked(bones)(folder)
    film = fracatlas.films(folder / "fracatlas")[2]
    with pytest.raises(DataSetError, match=message):
        film.pixels()
    if damage != "cut short":
        with pytest.raises(DataSetError, match=message):
            bones(folder)
    rest = checked(bones, lenient=True)(folder)
    for split, films in whole.items():
        expected = [film for film in films if film.path != path]
        assert rest[split] == expected and len(expected) < len(films), "others stay the same"


def test_all_problems_are_told_together_and_the_rest_counted(folder):
    for i in range(12):
        (folder / "fracatlas" / "images" / f"{i}.jpg").unlink()
    with pytest.raises(DataSetError) as caught:
        checked(bones)(folder)
    message = str(caught.value)
    assert all(f"line {line}: " in message for line in range(2, 12)) and "And 2 more" in message
    with pytest.raises(DataSetError, match="no film is left for train"):
        checked(bones, lenient=True)(folder)


def test_problems_are_collected_only_as_long_as_asked(folder):
    add(folder / "nih" / "labels.csv", "x.jpg,Mumps,9,50,F,PA,,x")
    with collecting() as problems:
        assert len(nih.films(folder / "nih")) == 4
        nih.films(folder / "nih")
    assert [problem.line for problem in problems] == [6], "once, though read twice"
    with pytest.raises(DataSetError, match="line 6"):
        nih.films(folder / "nih")


def test_a_table_without_films_or_text_is_refused(tmp_path):
    with pytest.raises(DataSetError, match=r"labels\.csv: no film is listed"):
        film_rows(table(tmp_path / "labels.csv", "image"), ())
    (tmp_path / "labels.csv").write_bytes(b"image\n\xff\xfe\n")
    with pytest.raises(DataSetError, match=r"labels\.csv: cannot be read as CSV"):
        list(rows(tmp_path / "labels.csv", ("image",)))


def test_landmarks_of_web_films_without_flags_are_refused_by_line(folder):
    path = folder / "webfilms" / "landmarks.csv"
    table(path, f"image,view,study,{POINTS}", f"0.jpg,a,forearm,{ARM}")
    for read in (webfilms.crops, webfilms.studies):
        with pytest.raises(DataSetError, match=r"landmarks\.csv, line 1: missing .* flags"):
            read(folder / "webfilms")


def test_without_web_films_training_goes_on_and_says_what_that_costs(folder, caplog):
    with_them = webfilms.crops(folder / "webfilms")
    assert len(with_them["forearm"]) == 1, "the other one is painted on"
    shutil.rmtree(folder / "webfilms")
    with caplog.at_level(logging.WARNING):
        assert webfilms.crops(folder / "webfilms") == {part: [] for part in BONE_PARTS}
    assert "webfilms: no such folder" in caplog.text and "finger" in caplog.text
    (folder / "webfilms").mkdir()
    with pytest.raises(DataSetError, match=r"fracture_boxes\.csv: no such file"):
        webfilms.crops(folder / "webfilms")


def test_the_detector_trains_without_web_films_and_on_otherwise_the_same(folder):
    pytest.importorskip("skimage", reason="photographs come with requirements-train.txt")
    whole = body_parts.films(folder)
    shutil.rmtree(folder / "webfilms")
    rest = body_parts.films(folder)
    gone = [film for film in whole["train"] if film not in rest["train"]]
    assert {film.facts["source"] for film in gone} == {"webfilms"} and len(gone) == 2
    assert {split: whole[split] for split in ("validation", "test")} == {
        split: rest[split] for split in ("validation", "test")
    }
    (folder / "not_radiographs").rename(folder / "slices")
    with pytest.raises(DataSetError, match="not_radiographs: no such folder"):
        body_parts.films(folder)


def test_the_detector_draws_the_same_crops_when_a_film_is_left_out(folder):
    pytest.importorskip("skimage", reason="photographs come with requirements-train.txt")
    path = folder / "fracatlas" / "images" / "2.jpg"
    whole = checked(body_parts.films)(folder)
    path.unlink()
    rest = checked(body_parts.films, lenient=True)(folder)
    for split, films in whole.items():
        assert rest[split] == [film for film in films if film.path != path]
    assert sum(map(len, rest.values())) < sum(map(len, whole.values()))


def test_doubtful_chests_teach_no_finding_and_their_boxes_are_passed_over(folder):
    doubtful = list(nih.LEFT_OUT)
    for image in doubtful:
        add(folder / "nih" / "labels.csv", f"{image},No Finding,9,50,F,PA,,x")
    assert not {film.image for film in nih.films(folder / "nih")} & set(doubtful)
    assert {film.image for film in nih.films(folder / "nih", every=True)} >= set(doubtful)
    table(
        folder / "nih" / "boxes.csv",
        "image,source,label,x,y,w,h",
        f"{doubtful[0]},NIH,Mass,1,1,2,2",
        "1.jpg,NIH,Mass,1,1,2,2",
    )
    (one,) = boxes.load(folder, "NIH")
    assert one.film.image == "1.jpg"


def test_opinions_have_a_column_per_label(folder):
    path = folder / "nih" / "reproduce_chexnet_test.csv.gz"
    columns = [f"{kind}_{label}" for kind in ("prob", "true") for label in nih.LABELS]
    values = np.linspace(0, 1, 2 * len(columns)).reshape(2, -1)
    published = pd.DataFrame(values, columns=columns).assign(image=["a.png", "b.png"])
    published.to_csv(path, index=False)
    found = chexnet.opinions(folder / "nih")
    assert tuple(found) == nih.LABELS and list(found.index) == ["a", "b"]
    np.testing.assert_allclose(found.to_numpy(), values[:, :14])
    published.assign(prob_Mass="high").to_csv(path, index=False)
    with pytest.raises(DataSetError, match=r"reproduce_chexnet_test\.csv\.gz: cannot be read"):
        chexnet.opinions(folder / "nih")


def test_the_films_at_hand_are_those_that_are_there(tmp_path):
    held_out = pd.read_csv(
        catalogue.table_path(catalogue.get("bone-general")), keep_default_na=False
    )
    some = held_out[held_out["split"] == "test"].head(3)
    lines = [
        f"{row.image},{row.group.removeprefix('fracatlas-')},1,0,0,0,{hardware},0,0"
        for row, hardware in zip(some.itertuples(), ("0", "0", "yes"), strict=True)
    ]
    table(tmp_path / "fracatlas" / "labels.csv", FRACATLAS, *lines)
    table(tmp_path / "fracatlas" / "fracture_boxes.csv", "image,x,y,w,h")
    images = some["image"].tolist()
    for image in images[1:]:
        picture(tmp_path / "fracatlas" / "images" / image, 100)
    assert list(locate_films.locate("bone-general", tmp_path, images)) == [images[1]]


def test_the_real_tables_have_no_problem(data):
    for source in ("fracatlas", "nih"):
        assert len(film_rows(data / source / "labels.csv", ())) > 1500
    with collecting() as problems:
        bones(data), chests(data), children(data), web(data), webfilms.studies(data / "webfilms")
    assert not problems
