"""The performance page, compared with scikit-learn on the tables that it shows."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import screens
from scipy.special import logit
from screens import checked, elements, html, prose
from sklearn import metrics

from pages.evaluating import screen, threshold
from pages.shared import open_predictions
from xray_models import catalogue
from xray_models.evaluate import errors, label_measures
from xray_models.evaluate.comparable import comparisons, of_table
from xray_models.evaluate.metrics.confusion import Matrix
from xray_models.evaluate.predictions.predictions import from_card
from xray_models.evaluate.references import references
from xray_models.evaluate.threshold_intervals import ThresholdIntervals
from xray_models.viz import confusion, confusion_image

FRACTURE = "Confusion matrix of fracture; rows are the truth."


def opened(**link):
    """The performance page that a link opens."""
    return screens.opened("performance.py", **link)


def figure(page, alt):
    (found,) = [one for one in page.get("plotly_chart") if one.proto.alt.startswith(alt)]
    return json.loads(found.proto.spec or found.proto.figure.spec)


def cells(page, alt=FRACTURE):
    """The films in the cells of a two-class matrix: TP, FN, FP, TN."""
    (matrix,) = elements(page).every("table", aria_label=alt)
    return [int(number.text.replace(",", "")) for number in matrix.every("b")]


def slider(page):
    """The slider; its key changes when the threshold is moved by other means."""
    (found,) = [one for one in page.slider if one.label == "Threshold"]
    return found


def typed(page):
    """The field for a typed threshold."""
    (found,) = [one for one in page.number_input if one.label == "Or type it"]
    return found


def measured(page):
    """Measures as the page shows them, by name in lower case."""
    rows = [row for table in elements(page).every("table") for row in table.rows()]
    return {name.lower(): value for name, value, *_ in rows}


def in_section(page, section):
    """The page with another tab open."""
    page.query_params["section"] = section
    return checked(page.run())


def held_out(model):
    """Truth and probability of the test films, read without our own code."""
    card = catalogue.get(model)
    table = pd.read_csv(catalogue.table_path(card), keep_default_na=False)
    return table[table["split"] == "test"] if (table["split"] == "test").any() else table


def expected(truth, scores, cut):
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, scores >= cut, labels=[False, True])
    return [tp, fn, fp, tn]


def table_of(content, name="mine.csv"):
    """The page with a table of one's own, as it is after the upload."""
    page = opened(model="own table")
    page.file_uploader(key="own file").upload(name, content, "text/csv")
    return checked(page.run())


def predictions(page):
    return checked(page.button(key="own judge").click().run())


@pytest.fixture(scope="module")
def fractures():
    films = held_out("bone-general")
    return (films["truth"] == "fracture").to_numpy(), films["p:fracture"].to_numpy(float)


def test_the_matrix_follows_the_threshold_and_agrees_with_scikit_learn(fractures):
    page = opened(model="bone-general")
    assert cells(page) == expected(*fractures, catalogue.get("bone-general").thresholds["fracture"])
    for cut in (0.0, 0.05, 0.5, 0.9):
        checked(slider(page).set_value(cut).run())
        assert typed(page).value == cut
        assert float(page.query_params["threshold"]) == cut
        assert cells(page) == expected(*fractures, cut)


def test_the_measures_agree_with_scikit_learn(fractures):
    truth, scores = fractures
    shown = measured(opened(model="bone-general", threshold="0.3", section="measures"))
    called = scores >= 0.3
    for name, value in {
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(~truth, ~called),
        "ppv": metrics.precision_score(truth, called),
        "npv": metrics.precision_score(~truth, ~called),
        "accuracy": metrics.accuracy_score(truth, called),
        "f1": metrics.f1_score(truth, called),
        "cohen's kappa": metrics.cohen_kappa_score(truth, called),
        "auc": metrics.roc_auc_score(truth, scores),
        "average precision": metrics.average_precision_score(truth, scores),
        "brier score": metrics.brier_score_loss(truth, scores),
    }.items():
        assert shown[name] == f"{value:.3f}", name


@pytest.mark.parametrize("name", ["label", "finding"])
def test_the_link_carries_model_label_and_threshold(name):
    page = opened(model="chest-pneumonia", threshold="0.42", **{name: "viral pneumonia"})
    films = held_out("chest-pneumonia")
    truth = (films["truth"] == "viral pneumonia").to_numpy()
    scores = films["p:viral pneumonia"].to_numpy(float)
    assert page.selectbox(key="model of performance").value == "chest-pneumonia"
    assert slider(page).value == 0.42
    assert cells(page, "Confusion matrix of viral") == expected(truth, scores, 0.42)


def test_a_film_of_the_link_stands_among_the_held_out_ones(fractures):
    page = opened(model="bone-general", label="fracture", threshold="0.5", film="0.64")
    truth, scores = fractures
    words = "\n".join(one.value for one in page.markdown)
    assert "It scores **64.0 %** and reaches the threshold." in words
    for which, those in (("without", scores[~truth]), ("with", scores[truth])):
        share = round(100 * (those < 0.64).mean())
        assert f"That is more than {share} of 100 films {which} fracture." in words
    rule = re.search(r"scores .{0,60}::before \{ display: block; left: ([^;]+);", html(page))
    assert rule, "the figure of the scores has no mark"
    plot = figure(page, "Spread of the scores")["layout"]
    low, high = plot["xaxis"]["range"]
    assert f"{(0.64 - low) / (high - low):.5f}" in rule[1]
    page.selectbox(key="model of performance").select("bone-wrist")
    checked(page.run())
    assert "film" not in page.query_params, "it was of another model"


def test_a_tab_that_was_opened_goes_into_the_link():
    page = opened(model="bone-general")
    assert page.session_state[screen.TABS] == "At the threshold"
    in_section(page, "measures")
    assert page.session_state[screen.TABS] == "Measures"
    assert not elements(page).every("table", aria_label=FRACTURE), "other tabs stay closed"


def test_another_model_begins_at_its_own_operating_point():
    page = opened(model="bone-general", threshold="0.9")
    checked(page.selectbox(key="model of performance").select("chest-pneumonia").run())
    assert "threshold" not in page.query_params
    card = catalogue.get("chest-pneumonia")
    (combined,) = card.combined
    assert slider(page).value == pytest.approx(card.thresholds[combined])


@pytest.mark.parametrize(
    "link",
    [
        {"threshold": "7"},
        {"threshold": "x"},
        {"threshold": "nan"},
        {"label": "knee"},
        {"section": "knee"},
        {"film": "1.2"},
        {"film": "nan"},
        {"film": "$x$"},
    ],
)
def test_nonsense_in_a_link_changes_nothing_and_an_unknown_label_is_told(link):
    page = opened(model="bone-general", **link)
    own = catalogue.get("bone-general").thresholds["fracture"]
    assert slider(page).value == pytest.approx(own)
    assert any("which this model does not have" in one.value for one in page.warning) == (
        "label" in link
    )
    assert not page.error and "Your film" not in "".join(one.value for one in page.subheader)


def test_an_unknown_model_in_a_link_is_told_in_a_sentence():
    assert "There is no measured model 'knee'" in opened(model="knee").warning[0].value


def test_a_rule_chooses_the_threshold(fractures):
    truth, scores = fractures
    page = opened(model="bone-general")
    checked(page.radio(key="rule").set_value("at_sensitivity").run())
    checked(page.button(key="set by rule").click().run())
    cut = page.session_state["cut"]
    assert (scores[truth] >= cut).mean() >= 0.95
    above = np.sort(scores[truth & (scores >= cut)])[0]
    assert (scores[truth] > above).mean() < 0.95, "a higher threshold would do"
    assert cells(page) == expected(truth, scores, cut)
    assert any(threshold.OPTIMISTIC in caption.value for caption in page.caption)


def test_the_prevalence_changes_ppv_and_npv_alone(fractures):
    page = opened(model="bone-general", threshold="0.3", section="measures")
    before = measured(page)
    checked(page.number_input(key=threshold.PREVALENCE).set_value(2.0).run())
    after = measured(page)
    assert {name for name in before if before[name] != after[name]} == {"ppv", "npv"}
    truth, scores = fractures
    sensitivity, alarms = (scores[truth] >= 0.3).mean(), (scores[~truth] >= 0.3).mean()
    ppv = 0.02 * sensitivity / (0.02 * sensitivity + 0.98 * alarms)
    assert after["ppv"] == f"{ppv:.3f}"


def test_the_matrix_of_many_classes_agrees_with_scikit_learn():
    page = opened(model="body-part", section="labels")
    films = held_out("body-part")
    labels = catalogue.get("body-part").labels
    called = films[[f"p:{label}" for label in labels]].to_numpy(float).argmax(axis=1)
    wanted = metrics.confusion_matrix(films["truth"], np.array(labels)[called], labels=labels)
    texts = [one["text"] for one in figure(page, "Confusion matrix of 9")["layout"]["annotations"]]
    shown = [0 if text == "·" else int(text.replace(",", "")) for text in texts]
    assert shown == wanted.ravel().tolist()
    report = metrics.classification_report(
        films["truth"], np.array(labels)[called], output_dict=True, zero_division=0
    )
    assert measured(page)["wrist"] == f"{report['wrist']['precision']:.3f}"


def test_a_table_of_ones_own_is_guessed_confirmed_and_judged():
    random = np.random.default_rng(1)
    truth = random.random(300) < 0.3
    scores = np.round(np.clip(random.normal(0.3 + 0.3 * truth, 0.2), 0, 1), 4)
    frame = pd.DataFrame(
        {
            "image": [f"film {k}" for k in range(300)],
            "patient": [f"patient {k // 2}" for k in range(300)],
            "view": np.where(random.random(300) < 0.5, "AP", "PA"),
            "true_edema": truth.astype(int),
            "prob_edema": scores,
        }
    )
    page = predictions(table_of(frame.to_csv(index=False).encode()))
    told = " ".join(block.value for block in page.markdown)
    assert "**300 films**, " in told and "The films are of 150 groups." in told
    alt = "Confusion matrix of edema"
    for cut in (0.2, 0.61):
        checked(typed(page).set_value(cut).run())
        assert cells(page, alt) == expected(truth, scores, cut)
    in_section(page, "subgroups")
    assert "AUC by subgroup" in "".join(one.proto.alt for one in page.get("plotly_chart"))


def test_a_guess_can_be_corrected():
    content = b"name,alpha,beta\n" + b"".join(b"f%d,%d,0.%d\n" % (k, k % 2, k) for k in range(1, 9))
    page = table_of(content)
    assert "No pair of columns" in page.error[0].value
    by_title = {one.label: one for one in page.selectbox}
    by_title["Truth"].select("alpha")
    by_title["Probability"].select("beta")
    checked(page.run())
    predictions(page)
    assert not page.error
    assert any("**8 films**" in block.value for block in page.markdown)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\xff\x00\x80\x81", "is no text"),
        (b"true_x,prob_x\n", "no rows"),
        (b"a,a\n1,2\n", "is there twice"),
        (b"film,words\n1,none\n2,some\n", "No pair of columns"),
    ],
)
def test_a_malformed_table_is_refused_in_a_sentence(content, sentence):
    page = table_of(content)
    assert sentence in page.error[0].value
    assert not page.get("plotly_chart")


def test_a_wrong_cell_is_named():
    page = predictions(table_of(b"true_x,prob_x\n1,0.5\n0,42\n"))
    assert "row 2" in page.error[0].value and "'42'" in page.error[0].value


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["0,0.2", "0,0.7", "0,0.4"], "none of the 3 films has it"),
        (["1,0.2", "1,0.7"], "all 2 films have it"),
        (["1,0.7"], "all 1 films have it"),
        ([",0.7", "unknown,0.1"], "the truth of no film is known"),
    ],
)
def test_one_class_one_film_and_no_truth_are_told_in_a_sentence(rows, sentence):
    content = "\n".join(["true_x,prob_x", *rows]).encode()
    page = table_of(content)
    by_title = {one.label: one for one in page.selectbox}
    by_title["Truth"].select("true_x")  # a column without any truth is not guessed as one
    by_title["Probability"].select("prob_x")
    page = predictions(checked(page.run()))
    assert sentence in page.info[0].value


def test_a_table_handed_over_by_another_page_is_opened():
    page = screens.opened("about.py")
    page.session_state[open_predictions.HANDED_OVER] = {
        "name": "batch.csv",
        "content": b"image,true_x,prob_x\na,1,0.9\nb,0,0.1\n",
    }
    page.switch_page("pages/performance.py")
    checked(page.run())
    assert any("**batch.csv**: 2 films" in block.value for block in page.markdown)


@pytest.fixture
def with_rival(tmp_path, monkeypatch):
    """The assets with a second model's probabilities beside those of bone-general."""
    assets = tmp_path / "assets"
    shutil.copytree(catalogue.assets(), assets)
    table = pd.read_csv(assets / "held_out" / "bone-general.csv", dtype=str, keep_default_na=False)
    scores = table["p:fracture"].astype(float)
    noise = np.random.default_rng(2).normal(0, 0.2, len(table))
    table["body-part"] = np.clip(scores + noise, 0, 1).round(5).astype(str)
    table.loc[table.index[::7], "body-part"] = ""
    table.to_csv(assets / "held_out" / "bone-general.csv", index=False)
    monkeypatch.setenv("RADLENS_ASSETS", str(assets))
    return table[(table["split"] == "test") & (table["body-part"] != "")]


def test_two_models_are_compared_on_the_films_of_both(with_rival):
    page = opened(model="bone-general", section="compare")
    (choice,) = [one for one in page.multiselect if one.label == "Compare with"]
    choice.select("body-part")
    checked(page.run())
    truth = (with_rival["truth"] == "fracture").to_numpy()
    shown = [cell.text for cell in elements(page).every("td")]
    for column in ("p:fracture", "body-part"):
        area = metrics.roc_auc_score(truth, with_rival[column].astype(float))
        assert f"{area:.3f}" in shown
    assert any(f"**{len(truth):,} films** are in all tables" in one.value for one in page.markdown)
    assert any("disagree" in one.label for one in page.expander)


def test_a_rival_is_judged_at_its_own_films(with_rival):
    card = catalogue.get("bone-general")
    (rival,) = of_table(card).values()
    (found,) = comparisons(from_card(card), [rival], "fracture")
    assert sorted(found.films.images) == sorted(with_rival["image"])
    assert found.delong.second.value == pytest.approx(
        metrics.roc_auc_score(with_rival["truth"] == "fracture", rival.scores[:, 0])
    )


def test_two_tables_of_one_name_are_told_apart(table_text):
    page = predictions(table_of(table_text.encode(), "run.csv"))
    in_section(page, "compare")
    (choice,) = [one for one in page.multiselect if one.label == "Compare with"]
    choice.select("a table of your own")
    checked(page.run())
    page.file_uploader(key="second file").upload(
        "run.csv", table_text.replace("0.9", "0.15").encode(), "text/csv"
    )
    checked(page.run())
    assert any("run.csv (2)" in one.label for one in page.expander)


@pytest.fixture
def table_text():
    """A table of predictions as another project writes it."""
    rows = [f"film{k},p{k},{k % 2},{0.9 if k % 2 else 0.1 + k / 100:.2f}" for k in range(24)]
    return "\n".join(["image,patient,true_edema,prob_edema", *rows, ""])


def test_models_of_different_films_are_not_compared():
    page = opened(model="bone-general", section="compare")
    (choice,) = [one for one in page.multiselect if one.label == "Compare with"]
    choice.select("a table of your own")
    checked(page.run())
    page.file_uploader(key="second file").upload(
        "b.csv", b"image,true_fracture,prob_fracture\nx,1,0.9\ny,0,0.1\n", "text/csv"
    )
    checked(page.run())
    assert "different films" in " ".join(one.value for one in page.info)


def test_a_second_table_of_which_two_columns_could_be_meant_is_asked_about():
    page = opened(model="bone-general", section="compare")
    (choice,) = [one for one in page.multiselect if one.label == "Compare with"]
    choice.select("a table of your own")
    checked(page.run())
    page.file_uploader(key="second file").upload(
        "b.csv", b"image,true_fracture,prob,score\nx,1,0.9,0.8\ny,0,0.1,0.2\n", "text/csv"
    )
    checked(page.run())
    assert "may be prob or score" in " ".join(one.value for one in page.warning)
    assert "different films" not in " ".join(one.value for one in page.info)
    (sure,) = [one for one in page.toggle if one.label == "These columns are right"]
    checked(sure.set_value(True).run())
    assert "different films" in " ".join(one.value for one in page.info)


def test_what_minus_one_and_blanks_mean_is_asked_before_a_table_is_judged():
    rows = "".join(f"{k},{(1, -1, '')[k % 3]},{k / 30}\n" for k in range(30))
    page = opened(model="own table")
    page.file_uploader(key="own file").upload("t.csv", f"image,y,p\n{rows}".encode(), "text/csv")
    checked(page.run())
    blanks, minus_one = page.radio
    assert (blanks.value, minus_one.value) == ("unknown", None)
    judge = next(one for one in page.button if one.label == "Judge these films")
    checked(judge.click().run())
    assert "Say which" in page.error[0].value and not page.get("plotly_chart")
    blanks, minus_one = page.radio
    blanks.set_value("negative")
    minus_one.set_value("negative")
    judge = next(one for one in page.button if one.label == "Judge these films")
    checked(judge.click().run())
    assert "10 with finding and 20 without" in " ".join(one.value for one in page.markdown)


@pytest.mark.parametrize(
    ("section", "figures", "matrices"),
    [("threshold", 3, 1), ("measures", 1, 0), ("calibration", 1, 0), ("subgroups", 1, 0)],
)
def test_every_figure_has_words_and_its_numbers_can_be_had(section, figures, matrices):
    page = opened(model="bone-general", section=section)
    charts = page.get("plotly_chart")
    assert len(charts) == figures and all(chart.proto.alt for chart in charts)
    buttons = [one.label for one in page.get("download_button")]
    assert buttons.count("Numbers as CSV") == len(charts) + matrices
    checked(page.segmented_control(key="save figures as").set_value("SVG").run())
    options = [json.loads(chart.proto.config) for chart in page.get("plotly_chart")]
    assert len(options) == len(charts)
    assert all(one["toImageButtonOptions"]["format"] == "svg" for one in options)


@pytest.mark.parametrize("cut", [0.0, 0.17, 0.6, 1.0])
def test_intervals_at_a_moving_threshold_are_those_of_the_report(cut):
    whole = from_card(catalogue.get("bone-general"))
    found = ThresholdIntervals(whole.of("fracture"), replicates=200).measures(cut)
    called = (whole.scores[:, 0] >= cut).astype(float)
    wanted = label_measures.measure(whole, "fracture", called, replicates=200)
    for name, one in found.items():
        assert one == pytest.approx(wanted[name].estimate, nan_ok=True) or np.allclose(
            [one.value, one.low, one.high],
            [getattr(wanted[name].estimate, side) for side in ("value", "low", "high")],
            equal_nan=True,
        ), name


def test_mistakes_are_those_of_the_table(fractures):
    truth, scores = fractures
    one = from_card(catalogue.get("bone-general")).of("fracture")
    wrong = errors.films(one, 0.3, "false positives")
    assert sorted(wrong) == np.flatnonzero(~truth & (scores >= 0.3)).tolist()
    assert (np.diff(scores[wrong]) <= 0).all(), "the most confident mistake comes first"
    missed = errors.films(one, 0.3, "false negatives")
    assert sorted(missed) == np.flatnonzero(truth & (scores < 0.3)).tolist()
    assert (np.diff(scores[missed]) >= 0).all()
    nearest = errors.films(one, 0.3, "least certain")
    assert len(nearest) == len(scores) and set(nearest) == set(range(len(scores)))
    far = abs(logit(np.clip(scores, 1e-6, 1 - 1e-6)) - logit(0.3))  # in log odds
    assert (np.diff(far[nearest]) >= 0).all()
    assert (np.diff(far[errors.films(one, 0.3, "most certain")]) <= 0).all()
    with pytest.raises(ValueError, match="There is no kind"):
        errors.films(one, 0.3, "right")


def test_a_matrix_tells_films_or_shares():
    with pytest.raises(ValueError, match="There are no values"):
        confusion.many_class(None, "percent")


def test_the_matrix_of_a_label_can_be_saved_as_a_picture():
    matrix = Matrix(("effusion", "no effusion"), np.array([[44, 132], [0, 0]]))
    assert confusion_image.picture(matrix, "effusion", "png").startswith(b"\x89PNG")
    drawn = confusion_image.picture(matrix, "effusion", "svg").decode()
    for text in (
        "<!-- 44 -->",
        "<!-- no effusion -->",
        "<!-- 25 % of its row -->",
        "<!-- – of its row -->",
    ):
        assert text in drawn


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("bone-wrist", "Of 364 normal images it passed 336 and called 28."),
        ("chest-nodule", "About 75 films of Open-i"),
        ("chest-pneumonia", "trained on 5,216 of them"),
        ("chest-14", "Our boxes enclose what is at least half as hot"),
    ],
)
def test_the_figures_of_earlier_systems_stand_beside_ours_as_other_data(model, said):
    page = opened(model=model, section="literature")
    assert said in prose(page)
    assert "could not be had" not in prose(page)
    shown = figure(page, "Beside published figures, of other data")
    (alternative,) = [
        one.proto.alt for one in page.get("plotly_chart") if one.proto.alt.startswith("Beside pub")
    ]
    for one in references(model):
        # as a diamond, with its source
        assert f"{one.source}<br>" in str(shown["data"])
        assert f"{one.value:.3f}" in alternative
