"""A report's findings are stated, denied or doubted; phrases are data; agreement is counted."""

import json

import pytest

from xray_models.reports import Labeler, Opinion, PhraseError, Phrases
from xray_models.reports.agreement import Agreement, agreement, half, micro

YES, NO, MAYBE = Opinion.POSITIVE, Opinion.NEGATIVE, Opinion.UNCERTAIN


@pytest.fixture(scope="module")
def labeler() -> Labeler:
    return Labeler()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There is a small left pleural effusion.", {"effusion": YES}),
        (
            "No pneumothorax, pleural effusion or consolidation.",
            {"pneumothorax": NO, "effusion": NO, "infiltration": NO},
        ),
        ("The heart is mildly enlarged.", {"cardiomegaly": YES}),
        ("The heart is not enlarged.", {}),
        ("Heart size is normal. The aorta is enlarged.", {}),
        ("No effusion. Stable cardiomegaly.", {"effusion": NO, "cardiomegaly": YES}),
        ("Opacity may represent pneumonia.", {"other findings": YES, "pneumonia": MAYBE}),
        ("Pneumonia cannot be excluded.", {"pneumonia": MAYBE}),
        ("No edema, but a pneumothorax.", {"pulmonary edema": NO, "pneumothorax": YES}),
        ("No change in the effusion.", {"effusion": YES}),
        ("Possible nodule. The nodule is calcified.", {"nodule": YES, "other findings": YES}),
        ("1. Tortuous thoracic aorta. 2. No active disease.", {"aortic elongation": YES}),
        ("The pneumothorax has resolved.", {"pneumothorax": NO}),
        ("Lungs are clear.", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_finding_is_stated_denied_or_doubted(labeler, text, expected):
    assert labeler.label(text) == expected


def test_reports_are_read_one_by_one_in_their_order(labeler):
    endless = iter(lambda: "Emphysema.", None)
    found = labeler.label_many(endless)
    assert [next(found) for _ in range(3)] == [{"emphysema": YES}] * 3


def test_phrases_are_data_and_say_where_they_are_wrong(tmp_path):
    lists = {"pseudo": ["x"], "preceding": ["sin"], "following": ["x"], "termination": ["pero"]}
    files = {"mentions": {"effusion": ["derrame"]}, "negation": lists, "uncertainty": lists}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    spanish = Phrases.read(tmp_path)
    assert Labeler(spanish).label("Derrame.") == {"effusion": YES}
    assert spanish.negation["preceding"] == ["sin"]
    for name, content, message in (
        ("negation", {"pseudo": ["x"]}, "must have the lists"),
        ("mentions", {"effusion": [""]}, "none of them empty"),
        ("mentions", "no list", "must map names"),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        with pytest.raises(PhraseError, match=message):
            Phrases.read(tmp_path)
    with pytest.raises(PhraseError, match="cannot be read"):
        Phrases.read(tmp_path / "none")


def test_agreement_by_hand():
    pairs = [({"mass"}, {"mass"}), ({"mass"}, set()), (set(), {"mass"}), ({"edema"}, {"edema"})]
    mass, edema = agreement(pairs, ("mass", "edema"))
    assert mass == Agreement("mass", 1, 1, 1) and (mass.precision, mass.recall) == (0.5, 0.5)
    assert edema.f1 == 1 and micro((mass, edema)).f1 == 2 * 2 / (2 * 2 + 2)
    assert Agreement("none", 0, 0, 0).f1 == 0
    assert [half(f"CXR{number}") for number in range(1, 5)] == [
        half(f"CXR{n}") for n in range(1, 5)
    ]
    assert {half(f"CXR{number}") for number in range(20)} == {"tuning", "test"}
