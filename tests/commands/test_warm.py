"""`warm`: what it says where there is nothing to do."""

from typer.testing import CliRunner

from xray_models.cli import app


def test_off_is_told(monkeypatch):
    monkeypatch.setenv("RADLENS_CACHE", "off")
    done = CliRunner().invoke(app, ["warm"])
    assert done.exit_code == 2 and "RADLENS_CACHE" in done.output


def test_a_machine_with_a_graphics_card_stays_on_tensorflow(monkeypatch, tmp_path):
    from xray_models.inference import precision

    monkeypatch.setenv("RADLENS_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    done = CliRunner().invoke(app, ["warm"])
    assert done.exit_code == 0 and "graphics card" in done.output
    assert not list(tmp_path.iterdir())
