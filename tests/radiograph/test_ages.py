"""Age bands of patients: told of DICOM files that say it, and never more than the band."""

import pytest
from drawing import dicom

from xray_models import radiograph
from xray_models.radiograph import ages


@pytest.mark.parametrize(
    ("said", "band", "group"),
    [
        ("003D", "under 1 year", "child"),
        ("011M", "under 1 year", "child"),
        ("012M", "1 to 5 years", "child"),
        ("005Y", "1 to 5 years", "child"),
        ("017Y", "6 to 17 years", "child"),
        ("018Y", "18 to 39 years", "adult"),
        ("45Y", "40 to 64 years", "adult"),
        ("090Y", "65 years or older", "adult"),
        ("000Y", None, None),
        ("999Y", None, None),
        ("old", None, None),
        ("", None, None),
    ],
)
def test_the_band_of_a_file_is_told_and_no_more(said, band, group):
    film = radiograph.read(dicom(PatientAge=said))
    assert (film.age_band, film.age_group) == (band, group)
    assert film.facts().get("Age") == band
    assert said == "" or said not in str(film.facts())


def test_a_file_without_an_age_has_none():
    film = radiograph.read(dicom())
    assert film.age_band is None and film.age_group is None and "Age" not in film.facts()


@pytest.mark.parametrize("years", [-1, 131, 999])
def test_an_age_that_nobody_has_is_in_no_band(years):
    assert ages.band_of(years) is None
