"""About page: what RadLens is, how a reading comes about, what becomes of an upload."""

import streamlit as st

from pages.shared.page import open_page

open_page("About RadLens")
st.container(width=760).markdown(
    """
RadLens shows what X-ray models see and how far they can be trusted. It is made for radiology
trainees and for people who demonstrate models.

### How a reading comes about
1. The file is recognized by its content and decoded to gray values. DICOM windows, lookup tables
   and inverted films are taken into account.
2. A detector names the body part, two where they are close, or none of these. You can correct it.
3. The models made for that part read the film. Each gives calibrated probabilities; a finding
   counts as present from its operating threshold, the upright mark on its bar.
4. A heatmap shows where in the film a model saw what speaks for or against a label: by the method
   that the model's card names, Grad-CAM (Selvaraju et al. 2017) unless measurements spoke for
   another, or by any other that you choose. Compare sets them side by side and judges them.

### What a heatmap does not say
Heat is relative to the hottest point of the same map: two maps can't be compared by color. It
comes from a coarse grid, so it points at a region, not at an outline. A hot region says what the
model used, not that a disease is there; and a model can be right for a wrong reason.

### What becomes of an upload
It stays in the memory of the machine that runs RadLens while your browser tab is open. It is not
written to disk, its name goes into no link or log, and of a DICOM file only technical facts are
shown. Patient names that are burned into the picture can't be removed: look before you share an
overlay.
"""
)
