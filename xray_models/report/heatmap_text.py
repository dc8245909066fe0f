"""Text about a heatmap: where it is, what speaks against it, and how far to trust it.

Left and right are those of the picture; on most chest films the picture's left is the patient's
right. Only zones of the lungs are called by the patient's sides, and say so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.explanations.evidence import Evidence, Localization, Measured
from xray_models.inference.lungs import Lungs
from xray_models.number_text import in_percent
from xray_models.report import lung_zones
from xray_models.viz.overlay import shrink

__all__ = [
    "BESIDE",
    "EMPTY",
    "FilmPlaces",
    "at_border",
    "beside",
    "cautions",
    "markers",
    "outside_body",
    "place",
    "trust",
    "where",
]

EMPTY = "Nothing in the film speaks for this: the map is empty."
BESIDE = "Nothing in the film speaks for this: all heat lies in the black borders around it."

_HOT = 0.5  # of the maximum
_SPREAD = 0.4  # a hot area above this share of the film is no place any more
_MOST_SPOTS, _LEAST = 3, 0.1  # hot regions that are named, and their least share of the heat
_SPELLED_OUT = 2  # places that are named in full; of more, the short names are listed
_ALONE = 2 / 3  # of a region's heat in one third: the others need no mention
_ALONG = 0.4  # of the hottest third's share: a long region lies there too
_SIDE = 256  # films are looked at this small
_TOO_MUCH = 1 / 3  # of the heat, beside the film, at its border or outside the body
_BORDER = 0.05  # of each side
_IN_LUNGS = 0.5  # of the strongest heat: then it is a place in the lungs
_DARK = 0.12  # of the film's bright end: darker than any tissue on a film that is exposed well

_BESIDE = (
    "{share} of the heat lies in the black borders that made the film square. It is not shown."
)
_AT_BORDER = "Much of the strongest heat lies at the film's border: models react to edges."
_OUTSIDE = "Much of the strongest heat lies outside the body: no sign of disease."
_WHOSE = " Right is the patient's right, the picture's left."
_OUTSIDE_LUNGS = (
    "Most of the strongest heat lies outside the lungs, where this finding has no sign."
)
_ON_MARKER = "Strong heat lies on what looks like a marker in the {where}: no sign of disease."


def where(heat: np.ndarray, outside: float = 0.0, lungs: Lungs | None = None) -> str:
    """Sentence that says where the heat is, for those who can't use color.

    Args:
        heat: in 0..1, (height, width), laid over the whole film.
        outside: share of the map's heat that lies beside the film: `Heatmap.outside`.
        lungs: of a chest whose lungs are known: places then are zones of the lungs, if half of
            the strongest heat lies there.

    Returns:
        Such as "Left lower third of the film." Of a chest "Right lower zone. 80 % of the heat
        lies in the lungs. Right is the patient's right, the picture's left."
    """
    hot = _hot(heat)
    if not hot.any():
        return BESIDE if outside > 0 else EMPTY
    map_of_lungs = None if lungs is None else lungs.on_radiograph(heat.shape)
    if hot.mean() > _SPREAD:
        return f"Spread over the film.{_in_lungs(heat, map_of_lungs)}"
    if map_of_lungs is not None and lung_zones.inside(heat * hot, map_of_lungs) >= _IN_LUNGS:
        zones = _listed(lung_zones.places(heat * hot, map_of_lungs))
        sides = "" if zones == lung_zones.BOTH else _WHOSE
        start = f"{zones[0].upper()}{zones[1:]}"
        return f"{start}.{_in_lungs(heat, map_of_lungs)}{sides}"
    found = _spots(heat, hot)
    if not found:
        return f"Scattered over the film in small spots.{_in_lungs(heat, map_of_lungs)}"
    places = list(dict.fromkeys(name for spot in found for name in _places(_thirds(spot))))
    text = _listed(places if len(places) <= _SPELLED_OUT else [_short(one) for one in places])
    return f"{text[0].upper()}{text[1:]} of the film.{_in_lungs(heat, map_of_lungs)}"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _short(name: str) -> str:
    """A place of many: "middle left" for "middle of the left third"."""
    return name.replace("middle of the ", "middle ").removesuffix(" third")


def _in_lungs(heat: np.ndarray, lungs: np.ndarray | None) -> str:
    if lungs is None:
        return ""
    share = in_percent(lung_zones.inside(heat, lungs))
    return f" {share} of the heat lies in the lungs."


def _spots(heat: np.ndarray, hot: np.ndarray) -> list[np.ndarray]:
    """The heat of each hot region with a share worth naming, the one with most heat first."""
    regions, count = ndimage.label(hot, np.ones((3, 3), bool))
    masses = ndimage.sum_labels(heat, regions, np.arange(1, count + 1)) / heat.sum()
    worth = [k for k in np.argsort(-masses, kind="stable")[:_MOST_SPOTS] if masses[k] >= _LEAST]
    return [heat * (regions == k + 1) for k in worth]


def _thirds(spot: np.ndarray) -> np.ndarray:
    """Which thirds of the film, across and down, hold most of a region's heat; bool, (3, 3)."""
    shares = np.zeros((3, 3))
    rows, columns = (np.arange(side) * 3 // side for side in spot.shape)
    np.add.at(shares, (rows[:, None], columns[None]), spot / spot.sum())
    if shares.max() > _ALONE:
        return shares == shares.max()
    largest_first = np.sort(shares.ravel())[::-1]
    needed = largest_first[int(np.argmax(np.cumsum(largest_first) > 0.5))]
    return shares >= min(needed, _ALONG * shares.max())


def _places(thirds: np.ndarray) -> list[str]:
    """Names for some of the nine parts of the film; rows and columns that are whole as such."""
    sides = thirds[[0, 1, 1, 2], [1, 0, 2, 1]]
    if thirds.all():
        return ["all parts"]
    if sides.all() and not thirds[1, 1]:
        return ["all around the center"]
    left = thirds.copy()
    names = []
    for k in np.flatnonzero(thirds.all(axis=0)):
        names.append(("left third", "middle from top to bottom", "right third")[k])
        left[:, k] = False
    for k in np.flatnonzero(thirds.all(axis=1)):
        names.append(("upper third", "middle from side to side", "lower third")[k])
        left[k] = False
    return names + [place((x + 0.5) / 3, (y + 0.5) / 3) for y, x in np.argwhere(left)]


def place(x: float, y: float) -> str:
    """Third of the film that a point lies in, such as "left lower third".

    Args:
        x: from the left, in shares of the width, 0..1.
        y: from the top, in shares of the height, 0..1.
    """
    across = ("left", "", "right")[min(int(x * 3), 2)]
    down = ("upper", "", "lower")[min(int(y * 3), 2)]
    if across and down:
        return f"{across} {down} third"
    if across or down:
        return f"middle of the {across or down} third"
    return "center"


def beside(outside: float) -> str:
    """Warning of heat beside the film; empty where that is not much.

    Args:
        outside: share of the map's heat that lies there: `Heatmap.outside`.
    """
    return _BESIDE.format(share=in_percent(outside)) if outside > _TOO_MUCH else ""


class FilmPlaces(NamedTuple):
    """Places of a film that a map is held against; the same for all of its maps.

    Attributes:
        gray: the film, small.
        outside: of the body, bool, same shape.
        markers: rows and columns of each.
    """

    gray: np.ndarray
    outside: np.ndarray
    markers: list[tuple[slice, slice]]

    @classmethod
    def of(cls, pixels: np.ndarray) -> FilmPlaces:
        """Places of a film, gray in 0..1, (height, width)."""
        gray = shrink(pixels, _SIDE)
        return cls(gray, outside_body(gray), list(markers(gray)))


def cautions(
    pixels: np.ndarray | FilmPlaces,
    heat: np.ndarray,
    outside: float = 0.0,
    lungs: Lungs | None = None,
    label: str = "",
) -> tuple[str, ...]:
    """Warnings that the film and the map themselves give: of heat where no sign of disease is.

    That is beside the film, at its border, in the dark, on markers, and for findings of the lung
    outside the lungs.

    The background is what is almost black and joined to the film's edge outside the largest bright
    region; markers are small bright spots near the corners. Both are told by simple rules that can
    miss one, and can take a small bright bone for a marker.

    Args:
        pixels: gray in 0..1, (height, width), or the places that were found there.
        heat: in 0..1, (height, width), laid over the whole film; may be of another size.
        outside: share of the map's heat that lies beside the film: `Heatmap.outside`.
        lungs: of a chest whose lungs are known.
        label: that the map explains.

    Returns:
        Sentences; none where nothing was seen, and none for a map that is empty on the film: then
        `where` says so.
    """
    places = pixels if isinstance(pixels, FilmPlaces) else FilmPlaces.of(pixels)
    film = places.gray
    heat = _resized(heat, film.shape)
    hot = heat * _hot(heat)
    total = float(hot.sum())
    if total <= 0:
        return ()
    found = [beside(outside)] if beside(outside) else []
    border = float(hot[at_border(film.shape)].sum()) / total
    if border > _TOO_MUCH:
        found.append(_AT_BORDER)
    outside = float(hot[places.outside].sum()) / total
    if outside > _TOO_MUCH:
        found.append(_OUTSIDE)
    if lungs is not None and label.lower() in lung_zones.OF_THE_LUNG:
        beside_lungs = lung_zones.outside(hot, lungs.on_radiograph(film.shape))
        if beside_lungs > _IN_LUNGS:
            found.append(_OUTSIDE_LUNGS)
    for rows, columns in places.markers:
        if hot[rows, columns].any():
            middle_y, middle_x = (rows.start + rows.stop) / 2, (columns.start + columns.stop) / 2
            where_it_is = place(middle_x / film.shape[1], middle_y / film.shape[0])
            found.append(_ON_MARKER.format(where=where_it_is))
            break
    return tuple(found)


def at_border(shape: tuple[int, ...]) -> np.ndarray:
    """Outermost twentieth of each side, bool of `shape`."""
    rows, columns = (max(1, round(_BORDER * side)) for side in shape)
    band = np.ones(shape, bool)
    band[rows:-rows, columns:-columns] = False
    return band


def outside_body(film: np.ndarray) -> np.ndarray:
    """Dark background around the body, bool of the film's shape; empty where there is none.

    Args:
        film: gray in 0..1, (height, width), small.
    """
    smooth = ndimage.gaussian_filter(film, 1.5)
    bright = smooth > _DARK * np.quantile(smooth, 0.99)
    parts, count = ndimage.label(bright)
    if not count:
        return np.zeros(film.shape, bool)
    largest = 1 + int(np.argmax(ndimage.sum_labels(bright, parts, np.arange(1, count + 1))))
    body = ndimage.binary_fill_holes(parts == largest)
    # heat is coarse: its foot next to the skin is no mistake
    reach = max(1, round(0.02 * max(film.shape)))
    grown = ndimage.binary_dilation(body, iterations=reach)
    dark = ~bright & ~grown
    outside: np.ndarray = dark if body.mean() > 0.05 else np.zeros(film.shape, bool)
    return outside


def markers(film: np.ndarray) -> list[tuple[slice, slice]]:
    """Small bright spots with sharp contrast near the corners: what letters and markers look like.

    Args:
        film: gray in 0..1, (height, width), small.

    Returns:
        Rows and columns of each.
    """
    longer = max(film.shape)
    # what is thinner than the stroke of a letter and brighter than its neighborhood
    stroke = 2 * max(1, round(0.02 * longer)) + 1
    raised = ndimage.white_tophat(film, size=(stroke, stroke))
    bright = (raised > 0.4) & (film > 0.75 * film.max())
    near = ndimage.binary_dilation(bright, iterations=max(1, round(0.01 * longer)))
    spots, _ = ndimage.label(near, np.ones((3, 3), bool))
    found = []
    for rows, columns in ndimage.find_objects(spots):
        shorter, size = sorted((rows.stop - rows.start, columns.stop - columns.start))
        y = (rows.start + rows.stop) / 2 / film.shape[0]
        x = (columns.start + columns.stop) / 2 / film.shape[1]
        in_corner = min(y, 1 - y) < 0.3 and min(x, 1 - x) < 0.3
        # longer ones are edges of the film and ribs along the chest wall
        if in_corner and size <= 2.5 * shorter and 0.03 * longer <= size <= 0.2 * longer:
            found.append((rows, columns))
    return found


def trust(evidence: Evidence) -> str:
    """Sentences on how far to trust a map, drawn from measured figures.

    Args:
        evidence: what is known of the method with this model and finding, and of this film.
    """
    return f"{_about_place(evidence.localization)} {_about_use(evidence)}"


def _about_place(found: Localization | None) -> str:
    if found is None:
        return (
            "Nobody has measured yet whether this map finds the place of the finding. "
            "Take it as a hint of where to look."
        )
    pointing, share = found.pointing, found.share
    of, whose = "", "the finding"
    if share.others:
        mostly = f"mostly {display_name(share.mostly)}, " if share.mostly else ""
        of, whose = f" They show other findings, {mostly}and few or none show this one.", "each"
    known = " The model was trained on these films, but not on the boxes." if share.seen else ""
    return (
        f"On {in_percent(pointing.value)} of {share.films} films the hottest point lay in or "
        f"beside a box that people drew. The usual place of {whose} lay there on "
        f"{in_percent(pointing.baseline)}. Of the heat {in_percent(share.value)} lay inside "
        f"({in_percent(share.baseline)}).{of}{known} {_conclusion(pointing, share)}."
    )


def _conclusion(pointing: Measured, share: Measured) -> str:
    if pointing.better and not share.worse:
        return "It points better than the usual place"
    if pointing.better:
        return "Its hottest point shows more than the usual place, the rest of its heat less"
    if share.better and not pointing.worse:
        return "Its heat shows more than the usual place, its hottest point does not"
    if pointing.worse or share.worse:
        return "The usual place is the better guess: do not read a place off it"
    return "No difference was shown: it proves nothing about the place"


def _about_use(evidence: Evidence) -> str:
    figure = evidence.faithfulness
    if figure is None:
        used = "Whether the hot places are what the model uses has not been measured."
    elif figure.better:
        used = f"On {figure.films} films the hot places moved the answer more than random places."
    else:
        used = (
            f"On {figure.films} films the hot places were not shown to move the answer more than "
            "random places."
        )
    if evidence.positive:
        return f"{used} The finding is above its threshold here, so there is a call to explain."
    return (
        f"{used} The finding is below its threshold here: the map shows hints that were too weak "
        "for a call."
    )


def _hot(heat: np.ndarray) -> np.ndarray:
    hot: np.ndarray = (heat >= _HOT * heat.max(initial=0.0)) & (heat > 0)
    return hot


def _resized(heat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if heat.shape == shape:
        return heat
    zoomed = ndimage.zoom(
        heat,
        (shape[0] / heat.shape[0], shape[1] / heat.shape[1]),
        order=1,
        grid_mode=True,
        mode="nearest",
    )
    return np.asarray(zoomed)
