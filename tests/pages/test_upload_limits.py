"""Limits of uploads: the server lets the largest promise through, each reader checks its own."""

import io
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import screens
from drawing import picture
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pages.batching.choosing import MOST_MEGABYTES
from xray_models.evaluate.predictions import csv_import
from xray_models.radiograph import MOST_BYTES

ROOT = Path(__file__).parents[2]
PATIENCE = 600_000  # milliseconds


def noise(seed: int, side: int) -> bytes:
    """A picture that does not compress: side x side bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)
    return picture(Image.fromarray(pixels), "PNG")


def upload(page: Page, file: Path) -> None:
    """Give a file to the first uploader, and wait until the server has it."""
    with page.expect_response(lambda one: "upload_file" in one.url) as response:
        page.locator('input[type="file"]').first.set_input_files(file)
    assert response.value.ok
    expect(page.get_by_role("button", name=f"Remove {file.name}")).to_be_visible()


def test_the_server_lets_the_largest_promise_through():
    server = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["server"]
    promised = max(MOST_MEGABYTES, csv_import.MOST_BYTES // 2**20, MOST_BYTES // 2**20)
    assert server["maxUploadSize"] == promised


def test_a_film_larger_than_the_reader_takes_is_refused_in_a_sentence():
    page = screens.opened()
    page.file_uploader[0].upload("film", bytes(MOST_BYTES + 1), "image/png")
    screens.checked(page.run())
    assert "25.0 MB" in page.error[0].value and "RadLens reads up to 25" in page.error[0].value


@pytest.mark.slow
def test_a_large_archive_and_a_large_table_go_through(browser: Browser, address: str, tmp_path):
    films = tmp_path / "films.zip"
    with zipfile.ZipFile(films, "w") as archive:
        for seed in range(3):
            archive.writestr(f"{seed}.png", noise(seed, 4_600))
    assert 60 * 2**20 < films.stat().st_size < 70 * 2**20
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/batch")
    upload(page, films)
    page.get_by_role("button", name="Score these films").click()
    expect(page.get_by_text("3 of 3 files scored")).to_be_visible(timeout=PATIENCE)
    page.close()

    table, text = tmp_path / "table.csv", io.StringIO()
    filler = "x" * 2_000
    text.write("image,y_true,y_prob,report\n")
    for row in range(148_000):
        text.write(f"{row},{row % 2},{row / 148_000:.4f},{filler}\n")
    table.write_text(text.getvalue())
    assert 280 * 2**20 < table.stat().st_size < csv_import.MOST_BYTES
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/performance?model=own%20table")
    upload(page, table)
    expect(page.get_by_text("148,000 films. What are its columns?")).to_be_visible(timeout=PATIENCE)
    page.close()
