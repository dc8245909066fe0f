"""Read a radiograph: its body part, the findings of the models that fit, what they looked at."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from xray_models import NONE_OF_THESE, PARTS, markup, radiograph, render, samples
from xray_models.radiograph import Radiograph, UnreadableRadiograph
from xray_models.samples import SAMPLES, SampleError

if TYPE_CHECKING:
    from classify import Reading
    from xray_models.catalogue import Card
    from xray_models.explain.heatmap import Heatmap

NOTICE = "For teaching and research, not for diagnosis."
AS_RECOGNIZED = "as recognized"
SCREEN = 900  # pixels on the longer side of what is sent to the screen
HOVER = 400  # cells on the longer side of the grid that answers the mouse
SAVED = 4096  # pixels on the longer side of a saved overlay: memory has an end
COLUMN = 455  # pixels that a picture gets across on a usual desktop
REGIONS = (
    ("upper left", "upper middle", "upper right"),
    ("middle left", "center", "middle right"),
    ("lower left", "lower middle", "lower right"),
)
INTRODUCTION = (
    "RadLens recognizes the body part, asks the models that read it, and shows what they looked "
    f"at. It knows the {', '.join(PARTS[:-1])} and {PARTS[-1]}."
)
FORMATS = "PNG, JPEG, TIFF, BMP, WebP or DICOM, up to 25 MB. It stays in memory and is not kept."


class Opened(NamedTuple):
    """The film that is open: a key that is new with every film, and the file if it is an upload."""

    key: str
    upload: bytes | None = None

    def content(self) -> bytes:
        """The file."""
        return samples.content(self.key) if self.upload is None else self.upload


class Question(NamedTuple):
    """What a heatmap answers: where does this model see this label?"""

    model: str
    label: str


def main() -> None:
    """The page, from top to bottom."""
    st.title("Read a radiograph", anchor=False)
    opened = choose()
    if opened is None:
        return
    try:
        reading = read(opened)
    except (UnreadableRadiograph, SampleError) as error:
        st.error(str(error), icon=":material/broken_image:")
        return
    except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
        st.error(f"The film cannot be read here now. {error}", icon=":material/error:")
        return

    with st.container(key="reading"):
        words, pictures = st.columns([5, 14], gap="medium")
    with words:
        show_part(reading)
        show_findings(reading)
    with pictures:
        show_overlay(opened.key, reading)
    show_file(reading)


def choose() -> Opened | None:
    """Upload or sample, kept while its visitor looks at other pages."""
    state = st.session_state
    if name := st.query_params.get("sample"):
        state.opened = Opened(name)
    opened: Opened | None = state.get("opened")
    if opened is None:
        st.write(INTRODUCTION)
        st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')
    elif opened.upload is None:
        st.query_params["sample"] = opened.key
    with st.expander("Choose a radiograph", expanded=not opened, icon=":material/upload_file:"):
        by_upload, by_sample = st.columns(2, gap="large")
        with by_upload:
            st.file_uploader("Upload a radiograph", key="upload", on_change=take_upload)
            st.caption(FORMATS)
        with by_sample:
            st.markdown("Or open a sample")
            with st.container(horizontal=True, gap="medium"):
                for name in SAMPLES:
                    with st.container(width=140, gap="small"):
                        offer_sample(name)
    return opened


def take_upload() -> None:
    """A new upload takes the place of what was open; its name goes nowhere."""
    state = st.session_state
    if state.upload is not None:
        st.query_params.pop("sample", None)
        state.opened = Opened(f"upload {state.upload.file_id}", state.upload.getvalue())
        state.part = AS_RECOGNIZED
    elif (opened := state.get("opened")) and opened.upload is not None:
        state.opened = None


def take_sample(name: str) -> None:
    """Open a sample."""
    st.query_params["sample"] = name
    st.session_state.part = AS_RECOGNIZED


def offer_sample(name: str) -> None:
    """A sample's picture and button."""
    sample = SAMPLES[name]
    try:
        st.image(thumbnail(name), width="stretch", alt=sample.about)
    except (SampleError, UnreadableRadiograph) as error:
        st.caption(str(error))
        return
    st.button(
        sample.title,
        key=f"sample {name}",
        help=sample.about,
        on_click=take_sample,
        args=(name,),
        width="stretch",
    )


@st.cache_data(show_spinner="Opening the samples …")
def thumbnail(name: str) -> bytes:
    """A small square JPEG from the middle of a sample."""
    film = radiograph.read(samples.content(name))
    small = render.shrink(film.pixels, 360)
    side = min(small.shape)
    top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return render.encode(render.film(small[top : top + side, left : left + side]), "JPEG")


def read(opened: Opened) -> Reading:
    """The reading of the film, made once and kept while the film is open."""
    state = st.session_state
    # before its selectbox is drawn for the first time, a link speaks for it
    named = state.get("part") or st.query_params.get("part")
    part = named if named in PARTS else None
    key = opened.key
    if state.get("film_key") != key:
        with st.spinner("Decoding the file …", show_time=True):
            began = time.perf_counter()
            state.film = radiograph.read(opened.content())
            state.decoding = time.perf_counter() - began
        state.film_key, state.heatmaps, state.reading_key = key, {}, None
    if state.get("reading_key") != (key, part):
        # the first reading after a start may have to wait for the background warm-up
        with st.spinner("Asking the models …", show_time=True):
            import classify

            reading = classify.read(state.film, part=part)
        seconds = reading.seconds | {"read": state.decoding}
        seconds["total"] += state.decoding - reading.seconds["read"]
        state.reading, state.reading_key = replace(reading, seconds=seconds), (key, part)
    kept: Reading = state.reading
    return kept


def show_part(reading: Reading) -> None:
    """The part, the runner-up, and a way to correct them."""
    other, probability = reading.runner_up
    certainty = markup.percent(reading.part_probability)
    if reading.part is None:
        seen = reading.part_probabilities
        likeliest = max(PARTS, key=lambda part: seen[part])
        st.html(
            f'<p class="rl-part">not sure</p><p class="rl-line">{NONE_OF_THESE.capitalize()}: '
            f"{markup.percent(seen[NONE_OF_THESE])}. Likeliest part: {likeliest}, {certainty}</p>"
        )
    elif reading.part_forced:
        st.html(
            f'<p class="rl-part">{reading.part}</p><p class="rl-line">Named by hand; the detector '
            f"gives it {certainty}, and {markup.percent(probability)} to {other}.</p>"
        )
    else:
        st.html(
            f'<p class="rl-part">{reading.part} <small>{certainty}</small></p>'
            f'<p class="rl-line">Runner-up: {other}, {markup.percent(probability)}</p>'
        )
    st.selectbox(
        "Body part",
        [AS_RECOGNIZED, *PARTS],
        key="part",
        bind="query-params",
        persist_state="session",
        help="Correct the detector: the models for the part you name read the film instead.",
    )
    for warning in reading.warnings:
        st.warning(warning, icon=":material/warning:")


def show_findings(reading: Reading) -> None:
    """Findings per model as bars, with their thresholds."""
    st.header("Findings", anchor=False)
    st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')
    if not reading.findings:
        st.write("No model read this film, so there are no findings.")
    for one in reading.chosen:
        with st.container(border=True):
            card = card_of(one.model)
            st.markdown(f"**{card.name}**", help=f"Asked because {one.why}.")
            found = [finding for finding in reading.findings if finding.model == one.model]
            st.html(
                "".join(markup.bar(each.label, each.probability, each.threshold) for each in found)
            )
            st.caption("".join(card.limits[:1]))  # the first is the gravest
            st.page_link("pages/models.py", label="What this model knows", icon=":material/info:")
    stages = {"read": "decoding"} | {one.model: card_of(one.model).name for one in reading.chosen}
    times = [
        f"{stages.get(stage, stage)} {value:.2f} s"
        for stage, value in reading.seconds.items()
        if stage != "total"
    ]
    st.caption(f"Time taken: {reading.seconds['total']:.2f} s ({', '.join(times)}).")


@st.fragment
def show_overlay(film_key: str, reading: Reading) -> None:
    """Film and overlay side by side, and the controls. Moving one runs nothing but this."""
    film_side, heat_side = st.columns(2, gap="small")
    label_side, direction_side = st.columns([3, 2])
    with label_side:
        choices = questions(reading)
        question = st.selectbox(
            "Explain",
            choices,
            format_func=lambda one: f"{one.label} ({card_of(one.model).name})",
            key="label",
            bind="query-params",
            persist_state="session",
            help="Grad-CAM shows where the model sees this label.",
        )
    with direction_side:
        direction = st.segmented_control(
            "What speaks",
            ["for", "against"],
            default="for",
            required=True,
            key="direction",
            bind="query-params",
            persist_state="session",
            width="stretch",
            help="Against: where the model sees reasons to lower the label's score.",
        )
    against = direction == "against"
    style = choose_style()
    heatmap = explain(film_key, reading.radiograph, question, against)

    film = reading.radiograph
    grey = render.shrink(film.pixels, SCREEN)
    heat = heatmap.on_radiograph(grey.shape)
    hover = hover_grid(film, heatmap)
    spot = hottest(heatmap, film)
    claim = f"what speaks {'against' if against else 'for'} {question.label}"
    with film_side:
        st.subheader("Radiograph", anchor=False)
        picture(render.film(grey), film, hover, "film", alt="The radiograph as it was opened.")
        st.caption(f"{film.width} × {film.height} pixels. Point at it for position and values.")
    with heat_side:
        st.subheader("Overlay", anchor=False)
        picture(
            render.overlay(grey, heat, style),
            film,
            hover,
            "overlay",
            alt=f"The same radiograph with heat over it: {claim}. {spot}",
        )
        st.html(markup.legend(render.ramp(style.colormap), style.threshold))
        st.caption(f"{claim[0].upper()}{claim[1:]}. {spot}")
    with st.container(horizontal=True):
        st.download_button(
            "Overlay as PNG",
            data=lambda: saved_overlay(film, heatmap, style),
            file_name="radlens-overlay.png",
            mime="image/png",
            icon=":material/download:",
            on_click="ignore",
            help="At the film's own size, or 4096 pixels on its longer side if it is larger.",
        )
        st.download_button(
            "Reading as JSON",
            data=json.dumps(reading.as_dict() | {"notice": NOTICE}, indent=2, ensure_ascii=False),
            file_name="radlens-reading.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )


def choose_style() -> render.Style:
    """The controls of the overlay."""
    first, second, third = st.columns(3)
    with first:
        opacity = st.slider(
            "Opacity of the heat",
            0.0,
            1.0,
            0.5,
            0.05,
            format="percent",
            key="opacity",
            bind="query-params",
            persist_state="session",
        )
    with second:
        threshold = st.slider(
            "Show heat from",
            0.0,
            0.95,
            0.3,
            0.05,
            format="percent",
            key="heat",
            bind="query-params",
            persist_state="session",
            help="Weaker heat leaves the film as it is; a line marks the border.",
        )
    with third:
        colormap = st.selectbox(
            "Color map",
            render.COLORMAPS,
            key="colormap",
            bind="query-params",
            persist_state="session",
            help="Turbo and jet are common, but their bands suggest edges that are not there.",
        )
    return render.Style(colormap, opacity, threshold, contour=threshold > 0)


def questions(reading: Reading) -> list[Question]:
    """What can be explained: findings first, then the other labels of the models, then the part."""
    import classify

    asked = [Question(finding.model, finding.label) for finding in reading.findings]
    for one in reading.chosen:
        asked += [Question(one.model, label) for label in card_of(one.model).labels]
    best = max(reading.part_probabilities, key=lambda label: reading.part_probabilities[label])
    asked += [
        Question(classify.DETECTOR, label)
        for label in (reading.part or best, *reading.part_probabilities)
    ]
    return list(dict.fromkeys(asked))


def explain(key: str, film: Radiograph, question: Question, against: bool) -> Heatmap:
    """The heatmap, made once per film and question."""
    import classify

    made: dict[object, Heatmap] = st.session_state.heatmaps
    wanted = (key, question, against)
    if wanted not in made:
        with st.spinner("Explaining …"):
            made[wanted] = classify.explain(film, *question, negate=against)
    return made[wanted]


def picture(
    pixels: np.ndarray, film: Radiograph, hover: tuple[np.ndarray, np.ndarray], key: str, alt: str
) -> None:
    """A picture in the film's own coordinates that tells position, intensity and heat."""
    import base64

    intensity, heat = hover
    rows, columns = intensity.shape
    cell_x, cell_y = film.width / columns, film.height / rows
    encoded = base64.b64encode(render.encode(pixels, "JPEG")).decode()
    figure = go.Figure(
        go.Heatmap(
            z=intensity,
            customdata=heat,
            x0=cell_x / 2,
            dx=cell_x,
            y0=cell_y / 2,
            dy=cell_y,
            opacity=0,  # only there to answer the mouse
            showscale=False,
            hovertemplate="x %{x:.0f}, y %{y:.0f} px<br>intensity %{z} %<br>"
            "heat %{customdata} %<extra></extra>",
        )
    )
    figure.add_layout_image(
        source=f"data:image/jpeg;base64,{encoded}",
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=film.width,
        sizey=film.height,
        sizing="stretch",
        layer="below",
    )
    axis = {"visible": False, "constrain": "domain"}
    figure.update_layout(
        height=min(640, max(280, COLUMN * film.height // film.width)),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=axis | {"range": [0, film.width]},
        yaxis=axis | {"range": [film.height, 0], "scaleanchor": "x"},
        paper_bgcolor="black",  # films are read on black, whatever the theme
        plot_bgcolor="black",
        dragmode=False,  # a finger must be able to scroll past
        uirevision=f"{film.width} {film.height}",  # keep the zoom while controls move
    )
    config = {
        "displaylogo": False,
        "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"]],
    }
    st.plotly_chart(figure, theme=None, key=key, config=config, alt=alt)


def hover_grid(film: Radiograph, heatmap: Heatmap) -> tuple[np.ndarray, np.ndarray]:
    """Intensity and heat in percent, uint8, on a grid coarse enough to be sent at every move."""
    intensity = render.shrink(film.pixels, HOVER)
    heat = heatmap.on_radiograph(intensity.shape)
    return (intensity * 100).round().astype(np.uint8), (heat * 100).round().astype(np.uint8)


def hottest(heatmap: Heatmap, film: Radiograph) -> str:
    """Where the heat is greatest, in words, for those who can't see or point."""
    heat = heatmap.on_radiograph(render.shrink(film.pixels, HOVER).shape)
    if not heat.any():
        return "There is no heat: nothing in this film does."
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    x = round((column + 0.5) / heat.shape[1] * film.width)
    y = round((row + 0.5) / heat.shape[0] * film.height)
    third = (3 * int(row) // heat.shape[0], 3 * int(column) // heat.shape[1])
    return f"Hottest at x {x}, y {y}, in the {REGIONS[third[0]][third[1]]} of the picture."


def saved_overlay(film: Radiograph, heatmap: Heatmap, style: render.Style) -> bytes:
    """The overlay at the film's own size as PNG."""
    grey = render.shrink(film.pixels, SAVED)
    return render.encode(render.overlay(grey, heatmap.on_radiograph(grey.shape), style))


def show_file(reading: Reading) -> None:
    """What the file says about the film, without anything that names a patient."""
    with st.expander("About this file", icon=":material/description:"):
        st.html(markup.facts(reading.radiograph.facts()))
        sample = SAMPLES.get(st.query_params.get("sample", ""))
        if sample:
            st.caption(f"{sample.about} Source: {sample.source}.")


def card_of(model: str) -> Card:
    """A model's card."""
    from xray_models import catalogue

    return catalogue.get(model)


main()
