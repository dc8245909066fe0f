"""Data of the viewer: a film, maps, findings and boxes, packed for the browser.

Numbers go over as they are, not as pictures: gray in 16 bits, heat in 8 on the network's own grid.
The browser paints them, so opacity, window, color map and another label ask nobody.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xray_models.explain.heatmap import Heatmap
from xray_models.radiograph import Radiograph
from xray_models.viz import overlay

__all__ = [
    "FULL",
    "SCREEN",
    "BoxData",
    "FilmData",
    "FindingRow",
    "MapSprite",
    "Tile",
    "View",
    "color_tables",
    "full_resolution",
    "packed",
]

SCREEN = 900
"""Pixels on the longer side of the gray that is sent at first."""
FULL = 4096
"""Pixels on the longer side of the gray that is sent when somebody zooms in: memory has an end."""

_WHITE = 65535


@dataclass(frozen=True, eq=False)
class FilmData:
    """Gray of a film in screen size.

    Attributes:
        key: of the pixels: the same film has the same key on every page; tells nothing about it.
        width: of the whole film in pixels.
        height: of the whole film in pixels.
        spacing_mm: size of a pixel of the whole film, (down, across) in mm; None where unknown.
        rows: of `gray`.
        columns: of `gray`.
        gray: uint16, little endian, row by row; 0..65535 is black to white.
    """

    key: str
    width: int
    height: int
    spacing_mm: tuple[float, float] | None
    rows: int
    columns: int
    gray: bytes = field(repr=False)

    @classmethod
    def of(cls, film: Radiograph, longest: int = SCREEN) -> FilmData:
        """Gray of a film.

        Args:
            film: the radiograph.
            longest: pixels on the longer side of what is sent.
        """
        small = overlay.shrink(film.pixels, longest)
        gray, (rows, columns) = _sixteen_bits(small), small.shape
        spacing = film.spacing_mm
        if spacing is not None:  # of the file's grid, from which square pixels were made
            down, across = film.file_shape
            spacing = spacing[0] * down / film.height, spacing[1] * across / film.width
        whole = f"{film.width} {film.height} ".encode()
        key = hashlib.sha256(whole + gray).hexdigest()[:16]
        return cls(key, film.width, film.height, spacing, rows, columns, gray)


@dataclass(frozen=True, eq=False)
class MapSprite:
    """Maps of one model by one method at one layer, stacked, in 8 bits on the network's grid.

    Attributes:
        ids: of the maps, in their order; a finding's map has the finding's id.
        rows: of each map.
        columns: of each map.
        box: corners (x0, y0, x1, y1) of the film in cells of the grid.
        scales: for each map, what makes its hottest point on the film 1.
        values: uint8, (maps, rows, columns); 255 is the hottest cell of each on or next to the
            film, and 0 no heat at all.
    """

    ids: tuple[str, ...]
    rows: int
    columns: int
    box: tuple[float, float, float, float]
    scales: tuple[float, ...]
    values: bytes = field(repr=False)

    @classmethod
    def of(cls, maps: Mapping[str, Heatmap]) -> MapSprite:
        """Maps of one grid.

        Args:
            maps: id -> map; all of one grid and one film.

        Raises:
            ValueError: there is none, or they differ in grid or place.
        """
        if not maps:
            raise ValueError("There is no map to pack.")
        first = next(iter(maps.values()))
        kinds = {(one.values.shape, one.placement, one.input_size) for one in maps.values()}
        if len(kinds) > 1:
            raise ValueError("The maps differ in their grids: pack those of each grid apart.")
        rows, columns = first.values.shape
        height, width = first.input_size
        x0, y0, x1, y1 = first.placement.box_in_input()
        box = (x0 * columns / width, y0 * rows / height, x1 * columns / width, y1 * rows / height)
        # what lies beside the film, out of its reach, may be hotter by far than all on it
        near = (
            slice(max(0, math.floor(box[1] - 1)), math.ceil(box[3] + 1)),
            slice(max(0, math.floor(box[0] - 1)), math.ceil(box[2] + 1)),
        )
        tops = [float(one.values[near].max()) for one in maps.values()]
        quantized = [
            _eight_bits(one.values, top) for one, top in zip(maps.values(), tops, strict=True)
        ]
        scales = tuple(
            top * one.scale_on_film for one, top in zip(maps.values(), tops, strict=True)
        )
        return cls(tuple(maps), rows, columns, box, scales, np.stack(quantized).tobytes())


@dataclass(frozen=True)
class FindingRow:
    """Row of the findings panel.

    Attributes:
        id: of the finding, and of its map.
        model: id of the model.
        label: as the model knows it.
        name: of the label, for people.
        probability: 0..1.
        threshold: 0..1; the finding is called from there on.
        called: whether it is.
        unsure: whether the model cannot tell.
        mapped: whether it can have a map; where its map is in no sprite, the server is asked.
        group: what the rows of one model stand under, such as the model's name.
        lines: shown when the row is open, in plain words.
        link: relative address that the open row leads to; empty for none.
        link_words: words of that link.
    """

    id: str
    model: str
    label: str
    name: str
    probability: float
    threshold: float
    called: bool
    unsure: bool = False
    mapped: bool = True
    group: str = ""
    lines: tuple[str, ...] = ()
    link: str = ""
    link_words: str = ""


@dataclass(frozen=True)
class BoxData:
    """Box on the film.

    Attributes:
        x, y: its corner at the top left, in shares of the film's width and height.
        width, height: in shares of the film's width and height.
        words: beside it.
        kind: "model" for one that was cut from heat, "truth" for one that people drew.
        map: id of the map that it belongs to; empty for one that is always shown.
    """

    x: float
    y: float
    width: float
    height: float
    words: str = ""
    kind: str = "model"
    map: str = ""


@dataclass(frozen=True)
class Tile:
    """Picture beside the film, where several maps are compared.

    Attributes:
        id: of its map.
        lines: under it, the first in bold.
    """

    id: str
    lines: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class View:
    """Everything that one viewer shows.

    Attributes:
        film: the gray.
        title: of the film, for those who cannot see it, such as "Chest radiograph".
        sprites: the maps.
        findings: rows of the panel, in their order; none for a viewer without a panel.
        boxes: on the film.
        selected: id of the map that is shown at first, or that the server was asked for.
        where: id of a map -> sentence on where its heat is.
        hottest: id of a map -> sentence on its hottest point, for those who can't point.
        cautions: id of a map -> sentences that warn of it.
        tiles: several maps beside each other instead of one; empty for one.
        names: id of a map -> what its heat speaks for.
        message: in the overlay's place while there is no map, such as that a method waits.
        sharp: whether gray at full resolution can be asked for.
        saves: what can be saved, as kind -> words of its menu.
        heading: of the panel of findings.
        note: under the findings.
        marking: whether the visitor is asked to mark a place.
        mark: what was marked, (x, y, width, height) in shares of the film; a point has no size.
    """

    film: FilmData
    title: str
    sprites: tuple[MapSprite, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    boxes: tuple[BoxData, ...] = ()
    selected: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    hottest: Mapping[str, str] = field(default_factory=dict)
    cautions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tiles: tuple[Tile, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    sharp: bool = True
    saves: Mapping[str, str] = field(default_factory=dict)
    heading: str = "Findings"
    note: str = ""
    marking: bool = False
    mark: tuple[float, float, float, float] | None = None


def packed(view: View) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What goes to the browser: words and numbers for JSON, and the contents that it fetches.

    Args:
        view: what is shown.

    Returns:
        A dict for JSON, in which each film and sprite has a key "blob"; and blob -> content.
    """
    blobs = {"film": view.film.gray}
    sprites = []
    for number, sprite in enumerate(view.sprites):
        name = f"maps {number}"
        blobs[name] = sprite.values
        sprites.append(
            {
                "blob": name,
                "ids": list(sprite.ids),
                "rows": sprite.rows,
                "columns": sprite.columns,
                "box": list(sprite.box),
                "scales": list(sprite.scales),
            }
        )
    film = view.film
    words: dict[str, Any] = {
        "film": {
            "blob": "film",
            "key": film.key,
            "width": film.width,
            "height": film.height,
            "spacing": film.spacing_mm and list(film.spacing_mm),
            "rows": film.rows,
            "columns": film.columns,
        },
        "title": view.title,
        "sprites": sprites,
        "findings": [_as_json(one) for one in view.findings],
        "boxes": [_as_json(one) for one in view.boxes],
        "selected": view.selected,
        "where": dict(view.where),
        "hottest": dict(view.hottest),
        "cautions": {name: list(lines) for name, lines in view.cautions.items()},
        "tiles": [_as_json(one) for one in view.tiles],
        "names": dict(view.names),
        "message": view.message,
        "sharp": view.sharp and max(film.width, film.height) > max(film.rows, film.columns),
        "saves": dict(view.saves),
        "heading": view.heading,
        "note": view.note,
        "marking": view.marking,
        "mark": view.mark and list(view.mark),
    }
    return words, blobs


def full_resolution(film: Radiograph, longest: int = FULL) -> tuple[bytes, int, int]:
    """Gray of a film at its own size, or at most `longest` pixels on its longer side.

    Returns:
        uint16, little endian, row by row, deflated with zlib's header; its rows; its columns.
    """
    gray = overlay.shrink(film.pixels, longest)
    return zlib.compress(_sixteen_bits(gray), 1), *gray.shape


def color_tables() -> dict[str, str]:
    """Color maps to choose from: name -> 256 colors of three bytes each, in hexadecimal."""
    return {name: overlay.color_table(name).tobytes().hex() for name in overlay.COLORMAPS}


def _sixteen_bits(gray: np.ndarray) -> bytes:
    return (np.clip(gray, 0.0, 1.0) * np.float32(_WHITE) + 0.5).astype("<u2").tobytes()


def _eight_bits(values: np.ndarray, top: float) -> np.ndarray:
    if top <= 0:
        return np.zeros(values.shape, np.uint8)
    found = np.clip(np.round(values * (255 / top)), 0, 255)
    return np.maximum(found, values > 0).astype(np.uint8)


def _as_json(one: FindingRow | BoxData | Tile) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(one).items()
    }
