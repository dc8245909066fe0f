"""The errors page, with a few drawn films in place of the real ones."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import screens
from PIL import Image
from screens import checked

from xray_models import catalogue
from xray_models.datasets import DataSetError
from xray_models.train import locate_films

CUT = 0.5


@pytest.fixture(autouse=True)
def without_films(monkeypatch):
    monkeypatch.delenv(locate_films.FOLDER, raising=False)


@pytest.fixture(scope="module")
def table():
    """Test films of bone-general, read without our own code."""
    films = pd.read_csv(catalogue.table_path(catalogue.get("bone-general")), keep_default_na=False)
    films = films[films["split"] == "test"].reset_index(drop=True)
    return films.assign(has=films["truth"] == "fracture", score=films["p:fracture"].astype(float))


pytestmark = pytest.mark.usefixtures("visitor")


@pytest.fixture
def folder(tmp_path, table):
    """A data folder that holds three of the false positives, drawn."""
    data = tmp_path / "fracatlas"
    (data / "images").mkdir(parents=True)
    wrong = table[~table["has"] & (table["score"] >= CUT)].sort_values("score", ascending=False)
    flags = "hand,leg,hip,shoulder,hardware,multiscan,fractured"
    lines = [f"image,group,{flags}"]
    for place, row in enumerate(wrong.head(3).itertuples()):
        lines.append(f"{row.image},{row.group.removeprefix('fracatlas-')},1,0,0,0,0,0,0")
        pixels = np.linspace(0, 255, 90 * 120).reshape(90, 120 - 0).astype(np.uint8) // (place + 1)
        Image.fromarray(pixels).save(data / "images" / row.image, "JPEG")
    (data / "labels.csv").write_text("\n".join(lines) + "\n")
    (data / "fracture_boxes.csv").write_text("image,x,y,w,h\n")
    return tmp_path


def opened(**link):
    return screens.opened("errors.py", **{"model": "bone-general", "threshold": str(CUT)} | link)


def listed(page):
    return page.dataframe[0].value["film"].tolist()


def test_false_positives_and_negatives_are_listed_the_worst_first(table):
    page = opened()
    wrong = table[~table["has"] & (table["score"] >= CUT)]
    assert sorted(listed(page)) == sorted(wrong["image"])
    assert listed(page)[0] == wrong.loc[wrong["score"].idxmax(), "image"]
    checked(page.segmented_control(key="kind").set_value("false negatives").run())
    missed = table[table["has"] & (table["score"] < CUT)]
    assert sorted(listed(page)) == sorted(missed["image"])
    assert listed(page)[0] == missed.loc[missed["score"].idxmin(), "image"]


def test_the_threshold_is_typed_and_goes_into_the_link(table):
    page = opened()
    checked(page.number_input(key="threshold typed").set_value(0.8).run())
    assert page.query_params["threshold"] == "0.8"
    assert len(listed(page)) == (~table["has"] & (table["score"] >= 0.8)).sum()


def test_no_mistake_is_told_in_a_sentence():
    page = opened(threshold="1")
    assert "There are no false positives" in page.success[0].value


def test_without_the_films_there_is_the_table_alone():
    page = opened()
    assert not page.get("image")
    assert any("not part of RadLens" in block.value for block in page.markdown)
    assert listed(page)


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path):
    page = opened()
    checked(page.text_input(key="folder of films").set_value(str(tmp_path / "nowhere")).run())
    assert "no such folder" in page.warning[0].value
    checked(page.text_input(key="folder of films").set_value(str(tmp_path)).run())
    assert "no such file" in page.warning[0].value
    assert listed(page)


def test_a_name_that_the_system_refuses_is_told_in_a_sentence():
    page = opened()
    checked(page.text_input(key="folder of films").set_value("a" * 300).run())
    assert "cannot be read" in page.warning[0].value


def test_a_visitor_from_elsewhere_cannot_name_folders(visitor):
    visitor("10.0.0.7", Host="localhost:8501")
    page = opened()
    assert not page.text_input
    assert any("RADLENS_DATA" in block.value for block in page.markdown)


@pytest.mark.network
def test_the_films_are_shown_and_one_is_handed_to_the_reading_page(folder, table):
    page = opened()
    checked(page.text_input(key="folder of films").set_value(str(folder)).run())
    assert len(page.get("image")) == 3
    # where the heat is stands in words beside each picture, for those who can't use color
    message = [one.value for one in page.caption]
    for (image,) in (one.proto.imgs for one in page.get("image")):
        _, _, where = image.alt.partition("with heat over it. ")
        assert where.endswith(".") and where in message
    buttons = [one for one in page.button if one.label == "Read this film"]
    assert len(buttons) == 3
    found = locate_films.locate("bone-general", folder, table["image"].tolist())
    first = listed(page)[0]
    assert found[first].pixels().shape == (90, 120)
    checked(page.toggle(key="heat of films").set_value(False).run())
    assert len(page.get("image")) == 3
    assert all(one.proto.imgs[0].alt.endswith("as it is.") for one in page.get("image"))
    (button, *_) = [one for one in page.button if one.label == "Read this film"]
    checked(button.click().run())
    assert "What the models get wrong" not in [one.value for one in page.title]


def test_films_are_found_by_name(folder, table):
    found = locate_films.locate("bone-general", folder, table["image"].tolist())
    assert set(found) <= set(table["image"]) and len(found) == 3
    assert not locate_films.locate("bone-general", folder, ["another"])
    with pytest.raises(DataSetError, match="was not trained here"):
        locate_films.locate("knee", folder, ["a"])


def test_a_film_on_its_way_to_the_reading_page_is_a_picture(folder, table):
    from xray_models import radiograph
    from xray_models.viz import overlay

    (film, *_) = locate_films.locate("bone-general", folder, table["image"].tolist()).values()
    content = overlay.encode(overlay.film(film.pixels()))
    with Image.open(BytesIO(content)) as picture:
        assert picture.format == "PNG" and picture.size == (120, 90)
    assert radiograph.read(content).pixels.shape == (90, 120)
