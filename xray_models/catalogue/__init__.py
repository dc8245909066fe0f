"""The catalogue of model cards: one checked JSON file per model under assets/models.

A user's own models lie in another folder of the same layout, named by the environment variable
RADLENS_MODELS. One with the id of a shipped model stands in its place.
"""

from xray_models.catalogue.age_fit import misfit
from xray_models.catalogue.cards import (
    Alternative,
    Asked,
    Bfloat16,
    Calibration,
    Card,
    CatalogueError,
    Explanation,
    External,
    Figure,
    HeldOut,
    Rival,
    Training,
    WeightsFile,
    add_combined,
    count_films,
)
from xray_models.catalogue.registry import (
    USER_FOLDER,
    app_folder,
    assets,
    catalogue,
    folder,
    for_part,
    for_parts,
    get,
    is_own,
    refresh,
    shipped,
    table_path,
    user_folder,
    weights_path,
)
from xray_models.catalogue.schema import read_card

__all__ = [
    "USER_FOLDER",
    "Alternative",
    "Asked",
    "Bfloat16",
    "Calibration",
    "Card",
    "CatalogueError",
    "Explanation",
    "External",
    "Figure",
    "HeldOut",
    "Rival",
    "Training",
    "WeightsFile",
    "add_combined",
    "app_folder",
    "assets",
    "catalogue",
    "count_films",
    "folder",
    "for_part",
    "for_parts",
    "get",
    "is_own",
    "misfit",
    "read_card",
    "refresh",
    "shipped",
    "table_path",
    "user_folder",
    "weights_path",
]
