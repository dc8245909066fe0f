"""The page of the models: all at a glance, each in full; and the page about RadLens."""

import re
from dataclasses import replace

import pandas as pd
import pytest
import torch_files
from file_server import serving_files
from markup import parsed
from screens import NOTICE, checked, html, opened, prose

from benchmarks import models as benchmark
from pages.cards.overview import main_figure, speed_in_words
from xray_models import catalogue
from xray_models.catalogue import CatalogueError
from xray_models.catalogue.display_names import display_name
from xray_models.catalogue.speed import COLUMNS, FILE, Speed, speeds
from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.whole_films import of_catalogue
from xray_models.explain import MethodSpec
from xray_models.importers.checkpoints import CHECKPOINTS, RemoteFile
from xray_models.number_text import with_interval

CARDS = catalogue.catalogue()


def test_all_models_are_listed_with_their_main_figure_license_and_speed():
    page = opened("models.py")
    links = [one.proto for one in page.get("page_link")]
    assert [one.label for one in links] == [card.name for card in CARDS.values()]
    assert [one.query_string for one in links] == [f"model={name}" for name in CARDS]
    rows = [one.body for one in page.html if one.body.startswith('<div class="rl-model">')]
    measured = speeds()
    for row, card in zip(rows, CARDS.values(), strict=True):
        figure = main_figure(card)
        assert figure is not None
        words = parsed(row).text
        assert card.training.brief in words and card.held_out.counted in words
        assert words.count("Apache-2.0") or words.count("CC BY-NC-SA 4.0")
        assert f"{figure.value:.2f} {figure.low:.2f}–{figure.high:.2f}" in words
        assert speed_in_words(measured[card.id], card) in words
    assert "Elsewhere, expect less" in prose(page) and not page.expander


def test_every_shipped_model_was_timed_with_the_weights_that_ship():
    measured = speeds()
    for card in CARDS.values():
        assert measured[card.id].of(card), f"{card.id}: python -m benchmarks.models --write"
        one = measured[card.id]
        assert 0 < one.low <= one.milliseconds <= one.high and one.films >= 21 and one.machine


def test_the_table_of_speeds_is_what_the_benchmark_writes(tmp_path):
    card = next(iter(CARDS.values()))
    one = Speed(card.id, card.weights.sha256, 12.3, 11.0, 14.5, 21, "two cores")
    benchmark.write([one], tmp_path / FILE)
    assert speeds(tmp_path / FILE) == {card.id: one}
    assert speed_in_words(one, card) == "12 ms"
    stale = Speed(card.id, "0" * 64, 12.3, 11.0, 14.5, 21, "two cores")
    assert speed_in_words(stale, card) == speed_in_words(None, card) == "–"


@pytest.mark.parametrize(
    "content",
    ["model,ms\na,1\n", f"{','.join(COLUMNS)}\na,b,quick,1,2,3,x\n", f"{','.join(COLUMNS)}\na\n"],
)
def test_a_broken_table_of_speeds_is_told_in_a_sentence(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(CatalogueError, match=FILE):
        speeds(tmp_path / FILE)
    assert not speeds(tmp_path / "missing.csv")


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_every_card_is_shown_with_figures_intervals_and_limits(card):
    page = opened("models.py", model=card.id)
    assert [one.value for one in page.title] == [card.name]
    text = html(page) + "\n".join(block.value for block in page.markdown)
    assert card.held_out.figures
    for name, one in card.held_out.figures.items():
        if card.multi_label and "AUC" not in name:
            continue  # dozens of them: they are on the performance page
        assert f"{display_name(name)}: {one.value:.3f}, 95 % interval {one.low:.3f} to" in text
    for sentence in (*card.limits, *card.training.data, *card.references, card.weights.license):
        assert sentence in text
    for other in card.alternatives:
        assert f"**Tried beside it** {other.architecture}" in text
        assert f"{other.other:.3f}, of the network that ships {other.own:.3f}" in text
    assert NOTICE in text and text.count("not for diagnosis") == 1
    links = [one.proto.query_string for one in page.get("page_link")]
    assert links == ["", f"model={card.id}", f"model={card.id}"]


def test_cards_say_it_in_short_sentences():
    long = [
        sentence
        for card in CARDS.values()
        for text in (*card.limits, card.training.note, card.explanation.reason, card.intended_use)
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", text)
        if len(re.sub(r"\([^()]*\)", "", sentence).split()) > 22
    ]
    assert not long
    assert not any("`" in limit for card in CARDS.values() for limit in card.limits)


def test_a_model_that_is_not_there_is_told_and_all_are_shown():
    page = opened("models.py", model="bone-knee")
    assert "There is no model 'bone-knee'" in page.warning[0].value
    assert len(page.get("page_link")) == len(CARDS)


def test_another_model_is_chosen_and_goes_into_the_link():
    page = opened("models.py", model="bone-wrist")
    checked(page.selectbox(key="model in full").select("chest-14").run())
    assert page.query_params["model"] == "chest-14"
    assert [one.value for one in page.title] == [CARDS["chest-14"].name]


def test_boxes_at_each_level_of_overlap_are_told_as_they_were_measured():
    page = opened("models.py", model="bone-wrist")
    assert "<table" not in html(page), "nobody waits for tables that are not asked for"
    card = catalogue.get("bone-wrist")
    page.session_state[f"overlap {card.id}"] = True
    checked(page.run())
    stored = pd.read_csv(results_table.path(card.id, "localization"), keep_default_na=False)
    own = MethodSpec.of_card(card).name
    menu = page.selectbox(key=f"overlap of {card.id}")
    assert menu.options[menu.index].startswith("★ ") and menu.value == own
    for chosen in (own, "usual place"):
        checked(page.selectbox(key=f"overlap of {card.id}").set_value(chosen).run())
        (levels, rules) = [one.body for one in page.html if "<table" in one.body]
        of_map = stored[stored["method"] == chosen]
        cells = [row for row in parsed(levels).rows() if row[0].startswith("0.")]
        assert [level for level, *_ in cells] == [f"{0.1 * k:.1f}" for k in range(1, 10)]
        for level, *message in cells:
            names = [
                f"{false}T({kind}) {level}"
                for kind in ("IoU", "IoBB")
                for false in ("", "false boxes, ")
            ]
            for name, cell in zip(names, message, strict=True):
                (true,) = of_map[of_map["measure"] == name].itertuples()
                figures = [float(one) for one in re.findall(r"[\d.]+", cell)]
                scale, error = (1, 0.0051) if name.startswith("false") else (0.01, 0.0051)
                spread = [true.low, true.high] if true.low < true.high else []
                wanted = [true.value, *spread]
                assert [scale * one for one in figures] == pytest.approx(wanted, abs=error), name
        (hit,) = of_map[of_map["measure"] == "hit rate"].itertuples()
        assert f"{100 * hit.value:.0f} % (" in rules and "Otsu's threshold" in parsed(rules).text


def test_a_broken_card_is_told_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.json").write_text('{"id": "broken", "color": 1}')
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    page = opened("models.py")
    assert "broken.json: unknown field 'color'" in page.error[0].value


def test_the_page_about_radlens_says_what_becomes_of_an_upload():
    page = opened("about.py")
    assert NOTICE in html(page)
    assert any("never written to disk" in block.value for block in page.markdown)


def test_figures_begin_with_whole_films_in_which_refused_ones_count_as_missed():
    found = of_catalogue()
    assert found is not None
    auc = f"reach AUC {with_interval(found.figures['AUC'])}"
    assert auc in prose(opened("models.py"))
    page = opened("models.py", model="bone-wrist")
    assert auc in prose(page) and "films of the wrist" in prose(page)
    first, second = [one.value for one in page.subheader][:2]
    assert first == "As the app reads whole films" and second.startswith("This model alone, on ")
    assert auc not in prose(opened("models.py", model="chest-14"))


@pytest.mark.slow
@pytest.mark.network
def test_a_public_model_is_fetched_by_a_click_and_listed(tmp_path, monkeypatch, visitor):
    state, rows = torch_files.state_dict(torch_files.densenet121(2, head="classifier"))
    with serving_files({"/weights": torch_files.zipped(state, rows)}) as server:
        weights = RemoteFile("weights.pt", f"{server.address}/weights", 10**8)
        rsna = replace(
            CHECKPOINTS["xrv-rsna"],
            labels=("Pneumonia", "Lung Opacity"),
            points=(0.13, 0.14),
            input_size=(64, 64),
            weights=weights,
        )
        monkeypatch.setitem(CHECKPOINTS, "xrv-rsna", rsna)
        monkeypatch.setenv("RADLENS_MODELS", str(tmp_path))
        page = opened("models.py")
        page.selectbox(key="public model").select("xrv-rsna").run()
        page.button(key="run download").click().run()
        for job in page.session_state.jobs.values():
            job.wait(100)
        page.run()
    assert checked(page).success[0].value.endswith("is here as chest-xrv-rsna.")
    assert rsna.name in [one.proto.label for one in page.get("page_link")]
    assert "xrv-rsna" not in page.selectbox(key="public model").options
    visitor("192.0.2.7")
    assert "public model" not in [one.key for one in opened("models.py").selectbox]
    catalogue.refresh()
