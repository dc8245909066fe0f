"""Open-i's reports: read from the archive, labeled by text or by MeSH tags, a row per film."""

import csv
import gzip
import io
import re
import tarfile

import pytest
from published import published
from typer.testing import CliRunner

from xray_models.cli import app
from xray_models.datasets import openi
from xray_models.datasets.findings22 import FINDINGS, table


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def xml(number, findings, tags, images=2):
    majors = "".join(f"<major>{tag}</major>" for tag in tags)
    films = "".join(
        f'<parentImage id="CXR{number}_IM-{one}"><caption>PA</caption></parentImage>'
        for one in range(images)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><eCitation><uId id="CXR{number}"/>'
        f'<AbstractText Label="INDICATION">evaluate for pneumonia</AbstractText>'
        f'<AbstractText Label="FINDINGS">{findings}</AbstractText>'
        f"<MeSH>{majors}<automatic>x</automatic></MeSH>{films}</eCitation>"
    ).encode()


REPORTS = {
    "1.xml": xml(1, "Lungs are clear.", ["normal"]),
    "2.xml": xml(2, "Large effusion. Possible nodule.", ["Pleural Effusion/large"], 1),
    "3.xml": xml(3, "Tortuous aorta.", ["Aorta/tortuous", "Spine/degenerative"]),
    "4.xml": xml(4, "Scar.", ["Cicatrix/lung"], 0),
    "5.xml": xml(5, "Film of the foot.", ["No Indexing"], 1),
    "bomb.xml": b'<!DOCTYPE a [<!ENTITY b "bb">]><eCitation><uId id="&b;"/></eCitation>',
    "torn.xml": xml(6, "Edema.", [])[:-10],
    "other.xml": b"<note/>",
}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "NLMCXR_reports.tgz"
    with tarfile.open(path, "w:gz") as file:
        for name, content in REPORTS.items():
            member = tarfile.TarInfo(f"ecgen-radiology/{name}")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def rows(folder):
    with (folder / table.NAME).open(newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def test_reports_become_rows_and_what_is_no_report_is_named(archive, tmp_path):
    headers = tmp_path / "headers.csv.gz"
    headers.write_bytes(gzip.compress(b"imageid,View Position\nCXR1_IM-0,PA\nCXR1_IM-1,LL\n"))
    done = run("prepare", "openi", archive, tmp_path / "out", "--metadata", headers)
    assert done.exit_code == 0, done.output
    assert "5 reports, 6 films, 1 reports without films" in done.output
    for name in ("bomb.xml is no report", "torn.xml is not XML", "other.xml is no report"):
        assert name in done.stderr
    found = rows(tmp_path / "out")
    assert [found[f"CXR1_IM-{one}.png"]["projection"] for one in (0, 1)] == ["PA", "L"]
    assert found["CXR1_IM-0.png"]["normal"] == "1"
    second = found["CXR2_IM-0.png"]
    assert (second["effusion"], second["nodule"], second["normal"]) == ("1", "", "0")
    assert second["group"] == "openi-CXR2" and second["pneumonia"] == "0"  # not the indication
    assert run("prepare", "join", tmp_path / "out", "--out", tmp_path / "all").exit_code == 0


def test_tags_become_findings_and_leave_open_what_mesh_cannot_tell(archive, tmp_path):
    done = run("prepare", "openi", archive, tmp_path / "out", "--by", "mesh", "--suffix", ".jpg")
    assert done.exit_code == 0, done.output
    third = rows(tmp_path / "out")["CXR3_IM-0.jpg"]
    assert (third["aortic elongation"], third["other findings"], third["nsg tube"]) == (
        "1",
        "0",
        "",
    )
    assert openi.tagged(["Opacity/lung/interstitial", "Opacity/lung"]) == {
        "infiltration", "other findings"
    }  # fmt: skip
    assert openi.tagged(["No Indexing"]) == set() and set(openi.TAGGED) < set(FINDINGS)


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.tgz").write_bytes(b"nothing")
    for source, message in (
        (tmp_path / "empty", "holds no report"),
        (tmp_path / "no.tgz", "cannot be read to its end"),
        (tmp_path / "gone", "no such file"),
    ):
        done = run("prepare", "openi", source, tmp_path / "out")
        assert done.exit_code == 2 and message in done.output
    done = run("prepare", "openi", tmp_path, tmp_path / "out", "--phrases", tmp_path / "gone")
    assert done.exit_code == 2 and "cannot be read as JSON" in done.output


@pytest.mark.slow
def test_the_labeler_agrees_with_the_tags_of_the_published_reports():
    done = run("measure", "reports", published("NLMCXR_reports.tgz"))
    assert done.exit_code == 0, done.output
    assert "1,948 indexed reports (test); 3,955 reports read" in done.output
    for name, least in ((r"all \(micro\)", 0.9), (r"all but normal \(micro\)", 0.86)):
        figures = re.search(rf"{name}\s.*?([\d.]+)\s*$", done.output, re.M)
        assert figures and float(figures[1]) >= least
