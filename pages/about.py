"""About page: what RadLens is, how a reading comes about, what becomes of an upload."""

import streamlit as st

from pages.shared.page import open_page

open_page("About RadLens")
st.container(width=760).markdown(
    """
RadLens shows what X-ray models see, and how far to trust them. It is made for radiology trainees
and for people who demonstrate models.

### How a reading comes about
1. The file is recognized by its content, not by its name. It is turned into gray values. Windows,
   lookup tables and inverted films of DICOM files are respected.
2. A detector names the body part, or two where they are close. It may also say: none of these. You
   can correct it.
3. The models for that part read the film. Each gives probabilities. A finding is called when its
   probability reaches the model's threshold, the upright mark on its bar.
4. A heatmap shows where a model saw what speaks for a finding, or against it. The way of making it
   was chosen for each model by measurement. You can choose another, and Compare sets them side by
   side.

### What a heatmap does not say
- Heat is relative to the hottest place of the same map. Two maps can't be compared by color.
- A map is coarse. It points at a region, not at an outline.
- Heat shows what the model used. It does not show that a disease is there.
- A model can be right for a wrong reason.

### What becomes of an upload
- It stays in the memory of the machine that runs RadLens, and is never written to disk.
- It is forgotten soon after you close the page. A batch is kept for an hour after your last look.
- Its name goes into no link and no log. Of a DICOM file only technical facts are shown.
- Names that are burned into the picture can't be removed. Look before you share a picture.
"""
)
