"""PadChest's table of labels becomes the 22 findings, and tables are joined by patient."""

import csv
import gzip
import io

import pytest
from published import published
from typer.testing import CliRunner

from xray_models.cli import app
from xray_models.datasets import DataSetError, findings22
from xray_models.datasets.findings22 import FINDINGS, table

TABLE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
HEADER = (
    "ImageID StudyDate_DICOM StudyID PatientID PatientBirth PatientSex_DICOM Projection Pediatric "
    "MethodLabel Report Labels"
).split()


def run(*arguments):
    return CliRunner().invoke(app, ["prepare", *(str(one) for one in arguments)])


def row(number, labels, patient=None, projection="PA", by="Physician", birth="1930.0"):
    name = patient or f"p{number}"
    return [f"{number}.png", "20140915", f"s{number}", name, birth, "F", projection, "No", by,
            "un informe, con comas", labels]  # fmt: skip


def written(path, *lines):
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *lines])
    path.write_bytes(gzip.compress(text.getvalue().encode()))
    return path


def read(folder):
    with (folder / table.NAME).open(newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def present(row):
    return {finding for finding in FINDINGS if row[finding] == "1"}


def test_labels_go_up_the_tree_and_what_tells_nothing_is_counted(tmp_path):
    labels = written(
        tmp_path / "labels.csv.gz",
        row(1, "['laminar atelectasis', 'COPD signs', 'goiter']"),
        row(2, "['hydropneumothorax ']", by="RNN_model", projection="L"),
        row(3, "['normal', 'unchanged']"),
        row(4, "['goiter', 'normal']"),
        row(5, "['unchanged']"),
        row(6, "['exclude']"),
        row(7, "nan"),
        row(8, "['dragon']"),
        row(9, "__import__('os')"),
        row(10, "['normal']", projection="UNK"),
        row(1, "['normal']"),
        row(11, "['kyphosis', 'sternotomy', 'dai', 'NSG tube']", birth=""),
    )
    done = run("padchest", labels, tmp_path / "out")
    assert done.exit_code == 0, done.output
    rows = read(tmp_path / "out")
    assert {image: present(one) for image, one in rows.items()} == {
        "1.png": {"atelectasis", "copd signs"},
        "2.png": {"effusion", "pneumothorax"},
        "3.png": {"normal"},
        "4.png": {"other findings"},
        "11.png": {"thoracic cage deformation", "surgery", "electrical device", "nsg tube"},
    }
    assert [rows[one]["labeled_by"] for one in ("1.png", "2.png")] == ["manual", "automatic"]
    assert [rows[one]["age_band"] for one in ("1.png", "11.png")] == ["80-120", ""]
    assert "12 rows, 5 films of 5 patients" in done.output
    for reason in (
        "labeled only as unchanged: 1 (5.png",
        "labeled as excluded or suboptimal: 1",
        "it has no label: 1 (7.png",
        "the label 'dragon' has no place in the tree: 1",
        "its labels are not a list: 1 (9.png",
        "its projection is UNK: 1",
        "the film is listed twice: 1 (1.png",
    ):
        assert f"left out, {reason}" in done.output
    assert "informe" not in (tmp_path / "out" / table.NAME).read_text()


def test_a_choice_of_films_is_kept_and_a_wrong_one_is_told(tmp_path):
    lines = [row(1, "['mass']"), row(2, "['mass']", by="RNN_model"), row(3, "['mass']", "x", "L")]
    labels = written(tmp_path / "labels.csv.gz", *lines)
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "3.png").touch()
    for options, kept in (
        (("--manual-only", "--projection", "PA"), {"1.png"}),
        (("--images", tmp_path / "films"), {"3.png"}),
    ):
        assert run("padchest", labels, tmp_path / "out", *options).exit_code == 0
        assert set(read(tmp_path / "out")) == kept
    other = tmp_path / "other.csv"
    other.write_text("image,label\n1,2\n")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(labels.read_bytes()[:-20])
    for arguments, message in (
        ((other, tmp_path / "no"), "not PadChest's table of labels"),
        ((tmp_path / "none.csv", tmp_path / "no"), "no such file"),
        ((cut, tmp_path / "no"), "cannot be read to its end"),
        ((labels, tmp_path / "no", "--projection", "XX"), "no projection XX"),
        ((labels, tmp_path / "no", "--images", tmp_path / "gone"), "no such folder"),
    ):
        done = run("padchest", *arguments)
        assert done.exit_code == 2 and message in done.output and "Traceback" not in done.output
    assert not (tmp_path / "no" / table.NAME).exists()


def test_joined_tables_keep_patients_on_one_side_and_blanks_unknown(tmp_path):
    for name in ("a", "b"):
        with table.writing(tmp_path / name / table.NAME) as writer:
            for number in range(120):
                one = table.FindingRow(
                    f"{number}.png", f"{name}-{number // 3}", {"mass": 1, "nodule": None},
                    {"source": name},
                )  # fmt: skip
                writer.writerow(one.cells())
    done = run("join", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "joined")
    assert done.exit_code == 0, done.output
    films = table.films(tmp_path / "joined")
    assert sum(map(len, films.values())) == 240
    groups = [{film.group for film in some} for some in films.values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 80
    film = films["test"][0]
    assert film.targets[FINDINGS.index("mass")] == 1
    assert film.targets[FINDINGS.index("nodule")] != film.targets[FINDINGS.index("nodule")]
    assert film.path.parent == tmp_path / film.facts["source"] / "images"
    with pytest.raises(DataSetError, match="listed twice"):
        table.join([tmp_path / "a" / table.NAME] * 2, tmp_path / "twice.csv")


@pytest.mark.parametrize(
    ("text", "message"), [("mass", "before any"), ("[gout]\nmass", "line 1: there is no finding")]
)
def test_a_tree_says_where_it_is_wrong(text, message):
    with pytest.raises(findings22.TreeError, match=message):
        findings22.parse_tree(text)


@pytest.mark.slow
def test_the_published_table_is_read_whole(tmp_path):
    done = run("padchest", published(TABLE), tmp_path)
    assert done.exit_code == 0, done.output
    assert "160,861 rows, 153,106 films of 65,736 patients" in done.output
    assert "has no place in the tree" not in done.output and "not a list" not in done.output
    assert "manual 37,361, automatic 115,745" in done.output
    assert "nsg tube 5,196" in done.output and "electrical device 3,743" in done.output
