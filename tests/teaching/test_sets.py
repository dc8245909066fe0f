"""Teaching sets: what they hold, what is refused, and how they are made."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from xray_models import radiograph
from xray_models.cli import app
from xray_models.teaching import films, sets
from xray_models.teaching.set_making import make_set
from xray_models.teaching.sets import SetError
from xray_models.teaching.starter_sets import STARTER_SETS

GOOD = f"""format = 1
id = "toy"
title = "Toys"
license = "CC0"

[[questions]]
id = "fracture"
text = "Is there a fracture?"
labels = ["fracture"]

[[films]]
id = "one"
path = "films/one.png"
sha256 = "{"0" * 64}"
part = "wrist"
truth = {{ fracture = true }}
boxes = [{{ question = "fracture", x = 0.1, y = 0.2, width = 0.3, height = 0.4 }}]
note = "A \\"line\\"."
"""


def test_a_set_is_read_and_written_without_a_change():
    found = sets.parsed(GOOD.encode(), "toy.toml")
    assert found.films[0].boxes == (sets.Box("fracture", 0.1, 0.2, 0.3, 0.4),)
    assert found.films[0].truth == {"fracture": True}
    assert sets.parsed(sets.as_toml(found).encode(), "again.toml") == found


@pytest.mark.parametrize("name", STARTER_SETS)
def test_starter_sets_are_whole_and_can_be_shared_as_files(name):
    found = STARTER_SETS[name]()
    assert found.id == name
    assert sets.parsed(sets.as_toml(found).encode(), "starter.toml") == found
    answers = [answer for film in found.films for answer in film.truth.values()]
    assert any(answers) and not all(answers)
    hashes = {film.hash for film in found.films}
    assert len(hashes) == len(found.films)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format = 1"),
        ('license = "CC0"', "", "lacks 'license'"),
        ("fracture = true }", "fracture = 1 }", "true or false"),
        ("fracture = true }", "nodule = true }", "no question"),
        ("fracture = true }", "fracture = false }", "not true"),
        ('part = "wrist"', 'part = "knee"', "parts are"),
        ('part = "wrist"', 'prat = "wrist"', "misspelled"),
        ('path = "films/one.png"', 'path = "../one.png"', "own folder"),
        ('path = "films/one.png"', 'path = "/etc/passwd"', "own folder"),
        ('path = "films/one.png"', 'url = "http://a/b.png"', "https"),
        ('path = "films/one.png"', "", "exactly one"),
        ("0" * 64, "xyz", "64 digits"),
        ("width = 0.3", "width = 0.95", "lie on the film"),
        ("x = 0.1", "x = nan", "shares"),
        ("x = 0.1", "x = true", "a number"),
        ('id = "one"', 'id = "One!"', "small letters"),
        ("[[films]]", "[[film]]", "at least one"),
        ("[[films]]", "[films]", "a list"),
        ("format = 1", "format = ", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_set_is_told_in_a_sentence(old, new, said):
    with pytest.raises(SetError, match=said) as caught:
        sets.parsed(GOOD.replace(old, new, 1).encode(), "toy.toml")
    assert str(caught.value).startswith("toy.toml")


def test_a_film_is_the_one_that_the_set_means(tmp_path):
    folder = tmp_path / "set"
    (folder / "films").mkdir(parents=True)
    Image.fromarray(np.full((40, 30), 90, np.uint8)).save(folder / "films" / "one.png")
    digest = hashlib.sha256((folder / "films" / "one.png").read_bytes()).hexdigest()
    (folder / "set.toml").write_text(GOOD.replace("0" * 64, digest), encoding="utf-8")
    found = sets.load(folder / "set.toml")
    assert hashlib.sha256(films.content(found, found.films[0])).hexdigest() == digest
    with pytest.raises(SetError, match="SHA-256 differs"):
        films.content(found, replace(found.films[0], sha256="1" * 64))
    (tmp_path / "secret.png").write_bytes(b"x")
    (folder / "films" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(SetError, match="outside"):
        films.content(found, replace(found.films[0], path="films/link.png"))
    with pytest.raises(SetError, match="cannot be read"):
        films.content(found, replace(found.films[0], path="films/none.png"))
    with pytest.raises(SetError, match="cannot be read"):
        sets.load(folder / "none.toml")


def test_a_drawn_spot_lies_in_the_middle_of_its_true_box(chest, lower_leg):
    plain = {"chest": radiograph.read(chest), "lower-leg": radiograph.read(lower_leg)}
    for film in STARTER_SETS["drawn-spots"]().films:
        before = plain[film.sample].pixels
        before = before[:, ::-1] if film.mirrored else before
        added = films.prepared(plain[film.sample], film).pixels - before
        if film.drawn is None:
            assert not added.any()
            continue
        (box,) = film.boxes
        height, width = added.shape
        assert abs(box.width * width - box.height * height) < 2  # a square around a round spot
        rows, columns = np.nonzero(added > 0.1 * film.drawn.contrast)
        assert abs((columns.min() + columns.max()) / 2 / width - box.x - box.width / 2) < 0.004
        assert abs((rows.min() + rows.max()) / 2 / height - box.y - box.height / 2) < 0.004
        assert columns.max() - columns.min() <= 1.1 * box.width * width
        assert added.max() > 0.5 * film.drawn.contrast, "it can be seen"


def drawn(folder):
    folder.mkdir(exist_ok=True)
    for number in range(3):
        image = np.full((20, 20), 60 * number, np.uint8)
        Image.fromarray(image).save(folder / f"Film {number}.png")
    return folder


def test_a_set_is_made_of_a_folder_and_a_table(tmp_path):
    folder = drawn(tmp_path / "wrists")
    (tmp_path / "truth.csv").write_text(
        "image,fracture,part,boxes,note\n"
        "Film 0.png,1,wrist,0.1 0.1 0.2 0.2;0.5 0.5 0.1 0.1,Look at the cortex\n"
        "Film 1.png,no,Wrist,,\nFilm 2.png,,,,\n",
        encoding="utf-8",
    )
    arguments = ["teach", "make-set", str(folder), str(tmp_path / "truth.csv")]
    out = folder / "set.toml"
    done = CliRunner().invoke(app, [*arguments, "--out", str(out), "--license", "CC0"])
    assert done.exit_code == 0, done.output
    assert "2 films" in done.output
    found = sets.load(out)
    assert [film.id for film in found.films] == ["film-0", "film-1"]
    assert len(found.films[0].boxes) == 2 and found.films[1].truth == {"fracture": False}
    assert films.content(found, found.films[0]) == (folder / "Film 0.png").read_bytes()
    again = CliRunner().invoke(app, [*arguments, "--out", str(out), "--license", "CC0"])
    assert again.exit_code == 2 and "--force" in again.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("film,fracture\nFilm 0.png,1\n", "column 'image'"),
        ("image,note\nFilm 0.png,x\n", "column with the truth"),
        ("image,fracture\nFilm 0.png,perhaps\n", "Give 1 or 0"),
        ("image,fracture\nFilm 9.png,1\n", "no file"),
        ("image,fracture\n../x.png,1\n", "outside"),
        ("image,fracture,boxes\nFilm 0.png,1,0.1 0.2\n", "x y width height"),
        ("image,fracture,boxes\nFilm 0.png,0,0 0 1 1\n", "exactly one"),
        ("image,fracture,part\nFilm 0.png,1,knee\n", "parts are"),
        ("image,fracture\nFilm 0.png,\n", "at least one"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(tmp_path, text, said):
    folder = drawn(tmp_path / "films")
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SetError, match=said):
        make_set(folder, tmp_path / "truth.csv", "CC0")
