"""Folders of labeled images: what is listed, what is left out and why, what belongs together."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xray_models.datasets import DataSetError
from xray_models.datasets.folder import read, without


def picture(path: Path, gray: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 9), gray, np.uint8)).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for index in range(3):
        picture(tmp_path / "nodule" / f"{index}.png", 10 + index)
        picture(tmp_path / "normal" / "deeper" / f"{index}.png", 100 + index)
    (tmp_path / "normal" / ".DS_Store").write_text("x")
    picture(tmp_path / "loose.png", 1)
    return tmp_path


def test_a_subfolder_is_a_class_and_each_file_a_group(tree):
    listed = read(tree)
    assert listed.labels == ("nodule", "normal") and not listed.problems
    assert [film.image for film in listed.films][::3] == ["nodule/0.png", "normal/deeper/0.png"]
    assert [film.truth for film in listed.films] == [0, 0, 0, 1, 1, 1]
    assert len({film.group for film in listed.films}) == 6


def test_copies_of_a_file_stay_together_in_any_folder(tree, tmp_path_factory):
    shutil.copy(tree / "nodule" / "0.png", tree / "nodule" / "copy.png")
    films = {film.image: film for film in read(tree).films}
    assert films["nodule/copy.png"].group == films["nodule/0.png"].group
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(tree, elsewhere, dirs_exist_ok=True)
    (elsewhere / "nodule" / "0.png").unlink()
    again = {film.image: film for film in read(elsewhere).films}
    assert again["nodule/copy.png"].group == films["nodule/0.png"].group


def test_a_table_gives_labels_and_patients_and_a_copy_joins_two_patients(tree, tmp_path):
    shutil.copy(tree / "nodule" / "0.png", tree / "nodule" / "copy.png")
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,label,group\n"
        "nodule/0.png,mass,anna\n"
        "nodule/1.png,mass,ben\n"
        "nodule/copy.png,mass,ben\n"
        "normal/deeper/0.png,clear,carla\n"
        "normal/deeper/1.png,clear,carla\n"
        "normal/deeper/2.png,clear,\n"
    )
    listed = read(tree, table)
    assert listed.labels == ("clear", "mass")
    groups = {film.image: film.group for film in listed.films}
    assert groups["nodule/0.png"] == groups["nodule/1.png"] == groups["nodule/copy.png"] == "anna"
    assert groups["normal/deeper/0.png"] == groups["normal/deeper/1.png"] == "carla"
    assert groups["normal/deeper/2.png"] not in ("anna", "ben", "carla", "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nodule/9.png,nodule", "line 4.*does not exist"),
        ("nodule/1.png,", "line 4: file and label must not be empty"),
        ("../x.png,nodule", "line 4.*outside"),
        ("nodule/0.png,nodule", "line 4.*listed before"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_left_out_or_stops(tree, tmp_path, line, problem):
    table = tmp_path / "labels.csv"
    table.write_text(f"file,label\nnodule/0.png,nodule\nnormal/deeper/0.png,normal\n{line}\n")
    listed = read(tree, table)
    assert len(listed.films) == 2
    assert len(listed.problems) == 1
    with pytest.raises(DataSetError, match=problem):
        read(tree, table, stop=True)


def test_one_image_under_two_labels_is_left_out(tree):
    shutil.copy(tree / "nodule" / "0.png", tree / "normal" / "0.png")
    listed = read(tree)
    assert len(listed.films) == 5 and len(listed.problems) == 2
    assert all("labeled nodule and normal" in problem for problem in listed.problems)
    with pytest.raises(DataSetError, match="Decide for one"):
        read(tree, stop=True)


def test_folders_without_classes_are_refused(tree, tmp_path):
    with pytest.raises(DataSetError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataSetError, match="at least two"):
        read(tree / "normal")
    with pytest.raises(DataSetError, match=r"labels\.csv: no such file"):
        read(tree, tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("name,label\na,b\n")
    with pytest.raises(DataSetError, match="line 1: missing column"):
        read(tree, tmp_path / "labels.csv")


def test_unreadable_files_are_taken_out_until_a_class_is_empty(tree):
    listed = read(tree)
    gone = {film.facts["sha256"]: "damaged" for film in listed.films[:2]}
    rest = without(listed, gone)
    assert len(rest.films) == 4
    assert rest.problems == tuple(f"{film.path}: damaged" for film in listed.films[:2])
    with pytest.raises(DataSetError, match="No image labeled nodule can be read"):
        without(listed, {film.facts["sha256"]: "damaged" for film in listed.films[:3]})
