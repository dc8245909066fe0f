"""Section on subgroups: for whom a model works."""

from __future__ import annotations

import streamlit as st

from pages.shared import figure
from pages.shared.plain import plain
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.viz import forest

__all__ = ["show"]


@st.fragment
def show(analysis: LabelAnalysis) -> None:
    """Forest plot, with a warning where a subgroup is small or differs."""
    predictions = analysis.predictions
    if not predictions.subgroups:
        st.write(
            "Nothing is known to divide these films by: no view, sex, age or source. "
            "For whom the model works better or worse is not known."
        )
        return
    columns = list(predictions.subgroups)
    chosen = st.pills(
        "Divide by",
        columns,
        default=columns,
        selection_mode="multi",
        key=f"divide {predictions.name}",
        format_func=lambda name: plain(name.replace("_", " ")),
    )
    with st.spinner("Resampling …", show_time=True):
        found = [one for name in chosen or [] for one in analysis.subgroups(name)]
        whole = analysis.measures["AUC"].estimate
    if not found:
        st.caption("Choose at least one column.")
        return
    known = [one for one in found if one.auc.value == one.auc.value]
    left, right = st.columns([7, 5], gap="large")
    with left:
        if known:
            figure.show(forest.subgroups(known, whole), "subgroups")
        else:
            st.write("No subgroup has films with the finding and films without.")
    with right:
        noted = [one for one in found if one.notes]
        for one in [one for one in noted if one.differs]:
            st.warning(
                f"**{plain(_name(one.column, one.value))}.** {plain(' '.join(one.notes))}",
                icon=":material/warning:",
            )
        small = [one for one in noted if not one.differs]
        if small:
            st.markdown(
                "\n".join(
                    f"- **{plain(_name(one.column, one.value))}.** {plain(one.notes[0])}"
                    for one in small
                )
            )
        if not noted:
            st.write("No subgroup is small, and none differs from the others.")
        st.caption(
            "Intervals are not corrected for the number of subgroups. "
            "Of twenty that are alike, one is expected to look different."
        )


def _name(column: str, value: str) -> str:
    return f"{column.replace('_', ' ')} {value or 'not known'}".capitalize()
