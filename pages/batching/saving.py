"""Downloads of the results as files."""

from __future__ import annotations

import streamlit as st

from pages.batching.state import Batch

__all__ = ["report", "show_downloads"]


def show_downloads(batch: Batch) -> None:
    """Downloads of the results as files."""
    from xray_models.batch import results

    with st.container(horizontal=True):
        for title, ending, kind, make in (
            ("CSV", "csv", "text/csv", lambda: results.as_csv(batch.rows)),
            ("JSON", "json", "application/json", lambda: results.as_json(batch.rows)),
            (
                "Parquet",
                "parquet",
                "application/vnd.apache.parquet",
                lambda: results.as_parquet(batch.rows),
            ),
            ("Report (HTML)", "html", "text/html", lambda: report(batch)),
        ):
            st.download_button(
                title,
                data=make,
                file_name=f"radlens-results.{ending}",
                mime=kind,
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption("They hold the names of your files. The report has figures and prints well.")


def report(batch: Batch) -> str:
    """Report of what is on the page."""
    from xray_models.batch import tally
    from xray_models.report import batch_html

    judged = batch.judged
    predictions = [one.predictions for one in judged.analyses.values()] if judged else []
    over_all = judged.over_all if judged else None
    return batch_html.report(tally.tally(batch.rows), predictions, over_all=over_all)
