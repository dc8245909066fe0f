"""The page that scores many films, run by Streamlit's own test runner with the real models."""

import io
import time
import zipfile

import numpy as np
import pytest
import screens
from drawing import picture
from PIL import Image
from screens import NOTICE, checked
from streamlit import config

import classify
from pages.batching.choosing import IN_LINK
from pages.batching.state import Batch
from pages.batching.store import Store, StoreFull, the_store
from xray_models.catalogue.display_names import display_name

pytestmark = pytest.mark.network


def png(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 40), np.uint8)
    return picture(Image.fromarray(pixels), "PNG")


def opened():
    return screens.opened("batch.py")


def press(page, label):
    (button,) = [one for one in page.button if one.label == label]
    return finished(checked(button.click().run()))


def finished(page):
    """The page once its batch is scored, which goes on in a thread of its own."""
    batch = batch_of(page)
    if batch is None:
        return page
    while batch.running:
        time.sleep(0.05)
    return checked(page.run())


def batch_of(page):
    """The batch that the link of the page names; None without one."""
    token = page.query_params.get(IN_LINK, None)
    return the_store().get(token) if token else None


def message(page):
    return "\n".join(one.value for kind in (page.markdown, page.caption) for one in kind)


def scored(files, **settings):
    """The page after files were uploaded and scored."""
    page = opened()
    page.file_uploader(key="batch files").set_value([(*file, "") for file in files])
    for key, value in settings.items():
        page.multiselect(key=f"batch {key}").set_value(value)
    checked(page.run())
    return press(page, "Score these films")


def results(page):
    """The table of results as it goes to the browser."""
    return next(one.value for one in page.dataframe if "probability" in one.value.columns)


@pytest.fixture(scope="module")
def archive(chest, lower_leg):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as films:
        films.writestr("chest.dcm", chest.read_bytes())
        films.writestr("leg/leg.dcm", lower_leg.read_bytes())
        films.writestr("../evil.png", png())
        films.writestr("broken.png", b"\x89PNG\r\n\x1a\n")
    return file.getvalue()


def test_the_page_says_what_it_is_for_and_asks_for_films():
    page = opened()
    assert any(NOTICE in block.body for block in page.html)
    press(page, "Score these films")
    assert "Choose one or more films" in page.error[0].value


def test_an_archive_is_scored_and_its_failures_are_listed(archive, chest):
    page = scored([("films.zip", archive)])
    assert "**4 of 4 files scored**" in message(page) and "2 could not be read" in message(page)
    failures = next(one.value for one in page.dataframe if list(one.value) == ["file", "why"])
    assert failures["file"].tolist() == ["../evil.png", "broken.png"]
    assert "leads out of the archive" in failures["why"][0]
    table = results(page)
    reading = classify.read(chest)
    found = table[table["file"] == "chest.dcm"]
    assert found["label"].tolist() == [display_name(one.label) for one in reading.findings]
    assert found["probability"].to_numpy() == pytest.approx(
        [100 * one.probability for one in reading.findings], abs=0.01
    )
    assert found["film"].str.startswith("data:image/jpeg;base64,").all()
    assert table[table["file"] == "leg/leg.dcm"]["part"].tolist() == ["not recognized"]
    assert [one.label for one in page.get("download_button")] == [
        "CSV",
        "JSON",
        "Parquet",
        "Report (HTML)",
    ]


def test_results_are_filtered_and_sorted_and_stay_while_other_pages_are_visited(archive):
    page = scored([("films.zip", archive)])
    page.multiselect(key="batch decisions").set_value(["failed"])
    checked(page.run())
    assert set(results(page)["file"]) == {"../evil.png", "broken.png"}
    page.multiselect(key="batch decisions").set_value([])
    page.text_input(key="batch text").set_value("CHEST")
    page.selectbox(key="batch order").set_value("highest probability")
    checked(page.run())
    table = results(page)
    assert set(table["file"]) == {"chest.dcm"}
    assert table["probability"].is_monotonic_decreasing
    checked(page.switch_page("pages/about.py").run())
    checked(page.switch_page("pages/batch.py").run())
    assert "**4 of 4 files scored**" in message(page)
    token = page.query_params[IN_LINK]
    press(page, "Score other films")
    assert IN_LINK not in page.query_params and the_store().get(token) is None
    assert page.file_uploader(key="batch files") is not None and not page.dataframe


def test_a_run_that_was_stopped_goes_on_with_the_rest():
    page = scored([(f"{k}.png", png(k)) for k in range(5)])
    batch = batch_of(page)
    # as a visitor's "Stop" leaves it
    del batch.scored[2:]
    checked(page.run())
    assert "**2 of 5 files scored**" in message(page)
    press(page, "Go on")
    assert "**5 of 5 files scored**" in message(page)
    assert [one.file for one in batch.scored] == [f"{k}.png" for k in range(5)]


def test_with_truth_the_columns_are_confirmed_and_the_models_judged():
    page = opened()
    page.file_uploader(key="batch files").set_value([(f"{k}.png", png(k), "") for k in range(6)])
    page.multiselect(key="batch models").set_value(["bone-general"])
    truth = "film,fractured,side\n" + "".join(f"{k}.png,{k % 2},x\n" for k in range(6))
    page.file_uploader(key="batch truth").set_value(("truth.csv", truth.encode(), "text/csv"))
    checked(page.run())
    press(page, "Score these films")
    (choice,) = [one for one in page.selectbox if one.label == "Truth of fracture"]
    assert choice.value == "fractured"
    assert not page.get("plotly_chart")
    press(page, "Compare with these columns")
    assert page.get("plotly_chart")
    assert any("6 films" in one.value for one in page.markdown)


def test_truth_that_fits_no_film_is_told_in_a_sentence():
    page = scored([("a.png", png())], models=["bone-general"])
    (late,) = [one for one in page.file_uploader if one.label.startswith("Truth (CSV)")]
    late.set_value(("truth.csv", b"film,label\nother.png,1\n", "text/csv"))
    checked(page.run())
    assert "names any of the films" in page.error[0].value


def test_a_folder_on_this_computer_is_scored_where_it_lies(tmp_path, visitor):  # noqa: ARG001
    (tmp_path / "a.png").write_bytes(png())
    page = opened()
    page.segmented_control(key="batch where").set_value("Folder on this computer")
    checked(page.run())
    page.text_input(key="batch path").set_value(str(tmp_path / "nowhere"))
    press(checked(page.run()), "Score these films")
    assert "no such folder" in page.error[0].value
    page.text_input(key="batch path").set_value(str(tmp_path))
    press(checked(page.run()), "Score these films")
    assert "**1 of 1 files scored**" in message(page)


def test_folders_are_offered_only_to_a_visitor_at_the_server_itself(visitor):
    assert opened().segmented_control
    for address, headers in (
        ("10.0.0.7", {"Host": "localhost:8501"}),
        (None, {"Host": "films.example.org"}),
        (None, {"Host": "localhost:8501", "X-Forwarded-For": "10.0.0.7"}),
    ):
        visitor(address, **headers)
        assert not opened().segmented_control
    visitor(None, Host="localhost:8501")
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    try:
        assert not opened().segmented_control
    finally:
        config.set_option("server.address", before)


def test_a_page_that_is_loaded_anew_finds_its_batch_and_what_was_judged():
    page = opened()
    page.file_uploader(key="batch files").set_value([(f"{k}.png", png(k), "") for k in range(6)])
    page.multiselect(key="batch models").set_value(["bone-general"])
    truth = "film,side,fractured\n" + "".join(f"{k}.png,x,{k % 2}\n" for k in range(6))
    page.file_uploader(key="batch truth").set_value(("truth.csv", truth.encode(), "text/csv"))
    checked(page.run())
    press(page, "Score these films")
    press(page, "Compare with these columns")
    anew = screens.opened("batch.py", **{IN_LINK: page.query_params[IN_LINK]})
    assert "**6 of 6 files scored**" in message(anew)
    assert results(anew).equals(results(page)) and anew.get("plotly_chart")
    (choice,) = [one for one in anew.selectbox if one.label == "Truth of fracture"]
    assert choice.value == "fractured"
    # another visitor, without the link
    assert batch_of(opened()) is None


def test_films_are_scored_while_nobody_looks_and_a_stop_is_obeyed():
    page = opened()
    files = [(f"{k}.png", png(k), "") for k in range(40)]
    page.file_uploader(key="batch files").set_value(files)
    page.multiselect(key="batch models").set_value(["bone-general"])
    checked(page.run())
    (button,) = [one for one in page.button if one.label == "Score these films"]
    checked(button.click().run())
    batch = batch_of(page)
    while not batch.scored:
        time.sleep(0.05)
    checked(page.button(key="batch stop").click().run())
    finished(page)
    assert 0 < len(batch.scored) < 40
    assert f"**{len(batch.scored)} of 40 files scored**" in message(page)
    press(page, "Go on")
    assert [one.file for one in batch.scored] == [name for name, _, _ in files]


def test_a_link_to_a_batch_that_is_gone_says_so_and_nothing_else_breaks():
    page = screens.opened("batch.py", **{IN_LINK: "![x](https://evil.example)"})
    assert "is not kept any more" in page.info[0].value
    assert IN_LINK not in page.query_params and page.file_uploader(key="batch files") is not None


class Films:
    """Files that say when they were let go of."""

    closed = False

    def close(self):
        self.closed = True


def held(size=0):
    return Batch(Films(), None, 1, bytes=size)


def test_the_store_keeps_few_batches_few_bytes_and_not_for_long():
    store = Store(kept=100, batches=2, most_bytes=1000)
    first, second, third = held(400), held(400), held(100)
    tokens = [store.add(first), store.add(second)]
    assert len(set(tokens)) == 2 and all(len(token) >= 32 for token in tokens)
    first.looked += 1  # looked at later than the second
    tokens.append(store.add(third))
    assert second.films.closed and store.get(tokens[1]) is None
    fourth = held(1500)
    store.add(fourth)
    assert first.films.closed and third.films.closed and len(store) == 1
    fourth.looked -= 101
    store.sweep()
    assert fourth.films.closed and not len(store)


def test_a_batch_at_work_is_not_pushed_out():
    class Busy(Batch):
        running = True

    store = Store(batches=1)
    busy = Busy(Films(), None, 1)
    token = store.add(busy)
    with pytest.raises(StoreFull, match="Try again"):
        store.add(held())
    assert store.get(token) is busy and not busy.films.closed
    store.forget(token)
    assert busy.films.closed and store.get(token) is None


def test_columns_without_content_are_not_shown(chest):
    page = scored([("chest.dcm", chest.read_bytes())])
    table = next(one for one in page.dataframe if "probability" in one.value.columns)
    order = list(table.proto.column_order)
    assert "error" not in order and "also" not in order and order[:3] == ["film", "file", "part"]
