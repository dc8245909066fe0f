"""What comes from outside is shown letter by letter: no link, no picture, no HTML of a stranger.

Nor does it become a formula where a visitor saves a table of a page for a spreadsheet.
"""

import csv
import json
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from screens import checked, opened
from streamlit.testing.v1 import AppTest

from pages.batching.choosing import IN_LINK
from pages.batching.store import the_store
from pages.shared.open_film import ELSEWHERE
from pages.shared.open_predictions import HANDED_OVER
from pages.shared.plain import plain
from xray_models.spreadsheet import safe_cell

HOSTILE = (
    "![x](https://evil.example/a.png)",
    "[log in](https://evil.example)",
    "<https://evil.example>",
    "<img src=x onerror=alert(1)>",
    "https://evil.example/login",
    "www.evil.example",
    ":red[log in]",
    ":material/login:",
    ":smile:",
    "$\\href{https://evil.example}{x}$",
    "# Log in",
    "`x` **x** ~~x~~",
)
PAGES = ("read", "compare", "models", "performance", "errors", "batch", "about")
LINKED = (
    "sample part model label threshold method layer against opacity explain models methods "
    "colors kind section film image batch".split()
)
# as they would be taken for what they say; with a backslash or a word joiner inside they are text
ALIVE = re.compile(
    r"(?<!\\)\]\(https?://evil|(?<!\\)<https?://evil|(?<!\\)<img|https?://evil|www\.evil|:red\["
    r"|:material/login:|:smile:|(?<!\\)\$\\href|(?m:^# Log)|(?<!\\)\*\*x"
)
TEXTS = (
    "markdown caption error warning info success title header subheader button expander "
    "checkbox radio metric tabs".split()
)


def spoken(page: AppTest) -> list[str]:
    """Everything that the page gives to be shown as Markdown or HTML."""
    found = []
    for name in TEXTS:
        for one in getattr(page, name):
            found += [str(getattr(one, part, "") or "") for part in ("value", "label", "body")]
    return [*found, *(block.body for block in page.html)]


def alive(page: AppTest) -> list[str]:
    return [text for text in spoken(page) if ALIVE.search(text)]


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_is_no_markdown(text):
    assert ALIVE.search(text)
    assert not ALIVE.search(plain(text))
    assert plain(text).replace("\\", "").replace("\u2060", "") == text.replace("\\", "")


@pytest.mark.parametrize("text", ["", "chest_14", "hand-7.png", "a film of 3 x 4 mm", "Müller: 2"])
def test_plain_words_stay_as_they_are(text):
    assert plain(text) == text


def test_lines_become_one():
    assert plain("a\n\n# b\n- c") == "a # b - c"


@pytest.mark.parametrize("page", PAGES)
def test_no_word_of_a_link_comes_alive(page):
    for text in (HOSTILE[0] + HOSTILE[1], HOSTILE[3] + HOSTILE[6], HOSTILE[4]):
        shown = opened(f"{page}.py", **dict.fromkeys(LINKED, text))
        assert alive(shown) == []


def table(name: str, cell: str, label: str) -> dict[str, object]:
    cells = {
        "image": [f"{cell}{n}" for n in range(40)],
        "patient": [f"{cell}{n}" for n in range(40)],
        "sex": [cell if n % 3 else "F" for n in range(40)],
        f"true_{label}": [str(n % 2) for n in range(40)],
        f"prob_{label}": [f"{(n % 7) / 7:.3f}" for n in range(40)],
        cell: ["x"] * 40,
    }
    return {"name": name, "content": pd.DataFrame(cells).to_csv(index=False).encode()}


@pytest.mark.parametrize("text", [HOSTILE[1], HOSTILE[0], HOSTILE[3]])
def test_no_cell_or_name_of_a_table_comes_alive(text):
    page = opened("performance.py")
    page.session_state[HANDED_OVER] = table(f"{text}.csv", text, text)
    checked(page.run())
    assert alive(page) == []
    checked(page.button(key="own judge").click().run())
    assert len(page.metric) or len(page.html) > 1
    assert alive(page) == []


def test_no_problem_of_a_table_comes_alive():
    page = opened("performance.py")
    for content in (b"%s\n1\n" % HOSTILE[1].encode(), b"", b"a,a\n1,2\n"):
        page.session_state[HANDED_OVER] = {"name": HOSTILE[1], "content": content}
        checked(page.run())
        assert page.error and alive(page) == []


def test_no_name_of_a_film_comes_alive():
    page = opened()
    page.session_state[ELSEWHERE] = {"name": HOSTILE[1], "content": b"no film"}
    checked(page.run())
    assert page.error and alive(page) == []


def scored(*names: str) -> AppTest:
    """The batch page once files of these names, none of them a film, were scored."""
    page = opened("batch.py")
    files = [(name, b"no film", "image/png") for name in names]
    checked(page.file_uploader(key="batch files").set_value(files).run())
    (button,) = [one for one in page.button if one.label == "Score these films"]
    checked(button.click().run())
    batch = the_store().get(page.query_params[IN_LINK])
    assert batch is not None
    while batch.running:
        time.sleep(0.05)
    assert len(batch.scored) == len(names)
    return checked(page.run())


def test_no_name_of_a_batch_comes_alive():
    page = scored(f"{HOSTILE[1]}.png")
    assert alive(page) == []


def drawn(page: AppTest) -> list[str]:
    """Every text that the page gives Plotly to draw."""
    found: list[str] = []

    def gather(one: object) -> None:
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict):
            for part in one.values():
                gather(part)
        elif isinstance(one, list):
            for part in one:
                gather(part)

    for chart in page.get("plotly_chart"):
        gather(json.loads(chart.proto.spec or chart.proto.figure.spec))
    return found


LINK = '<b>x</b><a href="http://e">log in</a>'


@pytest.mark.parametrize("labels", [(LINK,), (LINK, f"{LINK} again")])
def test_no_name_of_a_table_becomes_a_link_in_a_figure(labels):
    films = range(40)
    cells = {
        "image": [f"{n}.png" for n in films],
        f"sex {LINK}": [LINK if n % 3 else "F" for n in films],
    }
    for k, label in enumerate(labels):
        # of several labels every film has exactly one, so that they are classes with a matrix
        truth = [str(int(n % 2 == k)) for n in films]
        cells |= {f"true_{label}": truth, f"prob_{label}": [f"{(n % 7) / 7:.3f}" for n in films]}
    page = opened("performance.py")
    content = pd.DataFrame(cells).to_csv(index=False).encode()
    page.session_state[HANDED_OVER] = {"name": f"{LINK}.csv", "content": content}
    checked(page.run())
    checked(page.button(key="own judge").click().run())
    texts = drawn(page)
    assert any("log in" in text for text in texts)
    assert [text for text in texts if "<a" in text or "<b>" in text] == []


FORMULA = re.compile(r"(^|;)\s*[=+@＝＋＠-](?![0-9.]+$)|[\t\r\n]")


def saved(page: AppTest) -> list[str]:
    """Every text and name of a column that the button above a table of the page would save."""
    found: list[str] = []
    for one in page.dataframe:
        found += map(str, one.value.columns)
        found += [cell for cell in one.value.to_numpy().ravel() if isinstance(cell, str)]
    return found


@pytest.mark.parametrize("text", ["=1+1", "a;=1+1", "+x", "-x", "@x", "\t=x"])
def test_no_cell_or_name_of_a_table_is_saved_as_a_formula(text):
    shown = opened("performance.py")
    shown.session_state[HANDED_OVER] = table(f"{text}.csv", text, text)
    checked(shown.run())
    texts = saved(shown)
    checked(shown.button(key="own judge").click().run())
    texts += saved(shown)
    assert any(safe_cell(text).strip() in one for one in texts)
    assert [one for one in texts if FORMULA.search(one)] == []


def test_columns_whose_names_are_made_safe_are_still_found():
    columns = [f"{kind}_{label};=1" for label in "ab" for kind in ("true", "prob")]
    page = opened("performance.py")
    cells = pd.DataFrame({name: [0, 1] * 20 for name in columns})
    content = cells.to_csv(index=False, quoting=csv.QUOTE_ALL).encode()
    page.session_state[HANDED_OVER] = {"name": "x.csv", "content": content}
    checked(page.run())
    assert any(";'=1" in text for text in saved(page))
    checked(page.button(key="own judge").click().run())
    assert not page.error and len(page.session_state["own analysis"].labels) == 2


def test_no_name_of_a_batch_is_saved_as_a_formula():
    texts = saved(scored("=1+1.png", "a;=1+1.png", "-x.png"))
    assert any("1+1" in one for one in texts)
    assert [one for one in texts if FORMULA.search(one)] == []


def test_every_table_of_a_page_is_made_safe():
    pages = Path(__file__).parents[2] / "pages"
    direct = re.compile(r"\.(dataframe|data_editor)\(")
    found = [file.name for file in pages.rglob("*.py") if direct.search(file.read_text())]
    assert found == ["tables.py"]
