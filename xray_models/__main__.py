"""`python -m xray_models ...`: list, report, train, publish."""

from xray_models.cli import app

app()
