"""Training: `python -m xray_models train MODEL`. A model's recipe is one module here."""

RECIPES = {
    "body-part": "body_part",
    "bone-general": "bone_general",
    "chest-pneumonia": "chest_pneumonia",
}
"""Model id -> module of its recipe, imported only when it is trained."""
