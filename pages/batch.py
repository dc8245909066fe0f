"""Score many films: uploads, an archive or a folder; a table of results; with truth, how good."""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages import inside_the_app
from pages.reading.opening import ELSEWHERE
from xray_models import PARTS, catalogue
from xray_models.evaluate import predictions
from xray_models.evaluate.predictions import PredictionsError
from xray_models.radiograph import UnreadableRadiograph

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.evaluate.workings import Workings
    from xray_models.scale.results import Row
    from xray_models.scale.score import Plan, Scored
    from xray_models.scale.sources import Sources
    from xray_models.scale.truth import Choice

inside_the_app()

NOTICE = "For teaching and research, not for diagnosis."
INTRODUCTION = (
    "Many films at once, through the same models as a single one. They stay in memory and are not "
    "kept; the page holds the results until you begin again or close it."
)
UPLOAD, FOLDER = "Upload", "Folder on this computer"
AS_RECOGNIZED = "as recognized"
NOBODY_KNOWS = "(not in the table)"
MOST_MEGABYTES = 500  # of one upload, such as an archive
AT_A_TIME = 8  # films answered together: a stop is obeyed after as many
THUMBNAIL = 96  # pixels on the longer side
ON_SCREEN = 500  # rows of the table
ORDERS = ("file", "highest probability", "lowest probability", "closest to the threshold")
SHOWN = ("positive", "negative", "no model", "failed")
LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")


@dataclass
class Batch:
    """Films to score, and what came of them so far.

    Attributes:
        films: the files.
        plan: which models.
        total: how many files there are.
        scored: results, in the order of the files.
        running: whether there is more to do and nobody stopped it.
        seconds: spent on them.
        problem: why it ended early, as a sentence.
        key: new with every batch.
    """

    films: Sources
    plan: Plan
    total: int
    truth: pd.DataFrame | None = None
    scored: list[Scored] = field(default_factory=list)
    running: bool = True
    seconds: float = 0.0
    problem: str = ""
    key: float = field(default_factory=time.time)

    @property
    def rows(self) -> list[Row]:
        """A row per file and finding."""
        from xray_models.scale import results

        return [row for one in self.scored for row in results.rows(one)]


def main() -> None:
    """The page, from top to bottom."""
    st.title("Score many films", anchor=False)
    st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')
    batch: Batch | None = st.session_state.get("batch")
    if batch is None:
        st.write(INTRODUCTION)
        choose()
        return
    if batch.running:
        run(batch)
    show_state(batch)
    if batch.scored:
        show_failures(batch)
        show_results(batch)
        show_downloads(batch)
        show_truth(batch)


def choose() -> None:
    """What to score, with what, and the button that begins."""
    try:
        readers = {
            name: card.name
            for name, card in catalogue.catalogue().items()
            if card.task != "body-part"
        }
    except ValueError as error:
        st.error(f"The catalogue of models cannot be read. {error}", icon=":material/error:")
        return
    where = UPLOAD
    if is_local():
        where = st.segmented_control(
            "Where the films are",
            [UPLOAD, FOLDER],
            default=UPLOAD,
            required=True,
            key="batch where",
        )
    if where == FOLDER:
        st.text_input(
            "Folder, ZIP archive or list of files",
            key="batch path",
            placeholder="/path/to/films",
            help="Read where it lies, with all folders below it. A list is a text file with a "
            "path a line. Offered because you opened RadLens on its own computer.",
        )
    else:
        st.file_uploader(
            "Films or ZIP archives",
            accept_multiple_files=True,
            key="batch files",
            max_upload_size=MOST_MEGABYTES,
        )
        st.caption(
            "PNG, JPEG, TIFF, BMP, WebP or DICOM, each up to 25 MB; a ZIP archive of them up to "
            f"{MOST_MEGABYTES} MB and 5,000 files."
        )
    first, second = st.columns(2, gap="medium")
    with first:
        st.multiselect(
            "Models",
            list(readers),
            format_func=lambda one: readers[one],
            key="batch models",
            placeholder="those that fit each film",
            help="Named models read every film, whatever its body part.",
        )
    with second:
        st.selectbox("Body part", [AS_RECOGNIZED, *PARTS], key="batch part")
    st.file_uploader(
        "Truth, if it is known (CSV)",
        key="batch truth",
        max_upload_size=predictions.MOST_BYTES // 2**20,
        help="A row per film: its file name, and its label or labels. What the columns are is "
        "guessed, and you confirm it. It can also be given later.",
    )
    st.button(
        "Score these films",
        type="primary",
        icon=":material/play_arrow:",
        on_click=begin,
        args=(where,),
    )
    if problem := st.session_state.pop("batch problem", None):
        st.error(problem, icon=":material/error:")


def is_local() -> bool:
    """Whether the visitor sits at the computer that serves: only then may folders be named."""
    if st.get_option("server.address") not in LOCAL or st.context.ip_address is not None:
        return False
    headers = st.context.headers
    if any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip")):
        return False  # through a proxy, so it may be anybody
    host = headers.get("Host")
    return host is None or host.rpartition(":")[0] in LOCAL or host in LOCAL


def begin(where: str) -> None:
    """Take the films in."""
    state = st.session_state
    try:
        state.batch = taken(where)
    except (ValueError, RuntimeError) as error:
        state["batch problem"] = str(error)


def taken(where: str) -> Batch:
    """A batch of what was chosen; raises ValueErrors whose text is for people."""
    from xray_models.scale import score, sources

    state = st.session_state
    films: Sources
    if where == FOLDER:
        if not is_local():
            raise ValueError("Folders can be named only on the computer that RadLens runs on.")
        path = state["batch path"].strip().strip("'\"")
        if not path:
            raise ValueError("Type the path of a folder, a ZIP archive or a list of files.")
        films = sources.find(Path(path).expanduser())
    else:
        files = state["batch files"]
        if not files:
            raise ValueError("Choose one or more films, or a ZIP archive of films.")
        films = sources.Uploads([(file.name, file.getvalue()) for file in files])
    part = state["batch part"]
    plan = score.plan(state["batch models"], None if part == AS_RECOGNIZED else part)
    if not (total := films.count()):
        raise ValueError("There is no file that may be a film: only tables, texts or nothing.")
    truth = state["batch truth"]
    table = predictions.read(truth.getvalue(), truth.name) if truth else None
    return Batch(films, plan, total, table)


def run(batch: Batch) -> None:
    """Score what is left. Whatever interrupts this run of the page, the next one goes on."""
    from xray_models.scale import score

    st.button("Stop", key="batch stop", on_click=stop, icon=":material/stop:")
    bar = st.progress(0.0, "Asking the models …")
    told = st.empty()
    done = {one.file for one in batch.scored}
    rest = (film for film in batch.films if film.file not in done)
    began, before = time.perf_counter(), batch.seconds
    try:
        # the first answers after a start may have to wait for the background warm-up
        with contextlib.closing(
            score.score(rest, batch.plan, window=AT_A_TIME, thumbnail=THUMBNAIL)
        ) as results:
            for scored in results:
                batch.scored.append(scored)
                batch.seconds = before + time.perf_counter() - began
                if scored.error:
                    with told.container():
                        list_failures(batch)
                share = len(batch.scored) / max(batch.total, len(batch.scored))
                bar.progress(share, progress_words(batch))
    except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
        batch.problem = f"The films cannot be scored here now. {error}"
    batch.running = False
    st.rerun()


def progress_words(batch: Batch) -> str:
    """How far it is, and how long it will take."""
    finished = len(batch.scored)
    left = max(0, batch.total - finished) * batch.seconds / max(1, finished)
    return f"{finished:,} of {batch.total:,} files, {duration(left)} left"


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def stop() -> None:
    """Leave the rest undone, for now."""
    st.session_state.batch.running = False


def go_on() -> None:
    """Do the rest."""
    batch = st.session_state.batch
    batch.running, batch.problem = True, ""


def begin_again() -> None:
    """Forget films and results."""
    st.session_state.pop("batch").films.close()


def show_state(batch: Batch) -> None:
    """How it ended, and what can be done next."""
    finished = len(batch.scored)
    failed = sum(bool(one.error) for one in batch.scored)
    if batch.problem:
        st.error(batch.problem, icon=":material/error:")
    words = f"**{finished:,} of {batch.total:,} files scored** in {duration(batch.seconds)}"
    words += f"; {failed:,} could not be read." if failed else "."
    st.markdown(words)
    with st.container(horizontal=True):
        if finished < batch.total:
            st.button("Go on", on_click=go_on, icon=":material/play_arrow:", type="primary")
        st.button("Score other films", on_click=begin_again, icon=":material/restart_alt:")


def show_failures(batch: Batch) -> None:
    """Every file that could not be read, and why."""
    failed = sum(bool(one.error) for one in batch.scored)
    if failed:
        title = f"{failed:,} {'file' if failed == 1 else 'files'} could not be read"
        with st.expander(title, icon=":material/broken_image:"):
            list_failures(batch)


def list_failures(batch: Batch) -> None:
    """The table of failures."""
    st.dataframe(
        [{"file": one.file, "why": one.error} for one in batch.scored if one.error],
        hide_index=True,
        width="stretch",
        alt="Files that could not be read, and why.",
    )


@st.fragment
def show_results(batch: Batch) -> None:
    """The table, with thumbnails; filtering and sorting run nothing but this."""
    from xray_models.scale import results

    st.header("Results", anchor=False)
    table = results.as_frame(batch.rows)
    chosen = filtered(table)
    st.caption(
        f"{len(chosen):,} of {len(table):,} rows (a row per file and finding)"
        + (f"; the first {ON_SCREEN} are shown" if len(chosen) > ON_SCREEN else "")
        + ". Select a row to open its film."
    )
    chosen = chosen.head(ON_SCREEN)
    pictures = {one.file: picture(one) for one in batch.scored}
    names = {card.id: card.name for card in catalogue.catalogue().values()}
    shown = chosen.assign(
        film=[pictures[file] for file in chosen["file"]],
        part=[part or "not recognized" for part in chosen["part"]],
        model=[names.get(model, model) for model in chosen["model"]],
        part_probability=100 * chosen["part_probability"],
        probability=100 * chosen["probability"],
        threshold=100 * chosen["threshold"],
    )
    shown.loc[chosen["error"] != "", "part"] = ""
    percent = st.column_config.NumberColumn
    event: Any = st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        row_height=64,
        key=f"batch table {batch.key}",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["film", *results.COLUMNS],
        column_config={
            "film": st.column_config.ImageColumn("film", width="small"),
            "file": st.column_config.TextColumn("file", width="medium"),
            "part_probability": percent("part, probability", format="%.1f %%"),
            "probability": percent("probability", format="%.1f %%"),
            "threshold": percent("threshold", format="%.1f %%"),
        },
        alt="Results: a row per file and finding, with thumbnail, part, model, probability, "
        "threshold and decision.",
    )
    rows = event.selection.rows if event is not None else []
    if rows and rows[0] < len(chosen):
        offer_film(batch, str(chosen["file"].iloc[rows[0]]))


def filtered(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that its visitor wants to see, in the order wanted."""
    first, second, third = st.columns(3, gap="small")
    with first:
        text = st.text_input("File name contains", key="batch text")
        labels = st.multiselect(
            "Findings",
            [label for label in dict.fromkeys(table["label"]) if label],
            key="batch labels",
            placeholder="all",
        )
    with second:
        decisions = st.multiselect("Decision", SHOWN, key="batch decisions", placeholder="all")
        models = st.multiselect(
            "Models",
            [model for model in dict.fromkeys(table["model"]) if model],
            key="batch by",
            placeholder="all",
        )
    with third:
        parts = st.multiselect(
            "Body parts",
            [part for part in dict.fromkeys(table["part"]) if part],
            key="batch parts",
            placeholder="all",
        )
        order = st.selectbox("Sort by", ORDERS, key="batch order")
    kind = table["decision"].where(table["decision"] != "", "no model")
    kind = kind.where(table["error"] == "", "failed")
    keep = table["file"].str.contains(text, case=False, regex=False)
    for wanted, column in (
        (labels, table["label"]),
        (decisions, kind),
        (models, table["model"]),
        (parts, table["part"]),
    ):
        if wanted:
            keep &= column.isin(wanted)
    found = table[keep]
    if order == ORDERS[0]:
        return found
    if order == ORDERS[3]:
        away = (found["probability"] - found["threshold"]).abs()
        return found.loc[away.sort_values(kind="stable").index]
    return found.sort_values("probability", ascending=order == ORDERS[2], kind="stable")


def picture(scored: Scored) -> str | None:
    """A thumbnail as an address that needs no request."""
    if scored.thumbnail is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(scored.thumbnail).decode()}"


def offer_film(batch: Batch, name: str) -> None:
    """The selected film, and the way to the reading page."""
    scored = next(one for one in batch.scored if one.file == name)
    if scored.error:
        st.info(f"{name}: {scored.error}", icon=":material/broken_image:")
        return
    if st.button(f"Open {name} in the reading page", icon=":material/radiology:"):
        source = next(one for one in batch.films if one.file == name)
        try:
            content = source.load()
            data = content.read_bytes() if isinstance(content, Path) else content
        except (UnreadableRadiograph, OSError) as error:
            st.error(f"{name} cannot be opened any more. {error}", icon=":material/broken_image:")
            return
        st.session_state[ELSEWHERE] = {"name": name, "content": data}
        st.switch_page("pages/read.py")


def show_downloads(batch: Batch) -> None:
    """The results as files."""
    from xray_models.scale import results

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
    st.caption("They hold the names of your files. The report has figures inside and prints well.")


def report(batch: Batch) -> str:
    """The report of what is on the page."""
    from xray_models.scale import report_html, tally

    workings: dict[str, Workings] = st.session_state.get(f"batch judged {batch.key}", {})
    judged = [one.judged for one in workings.values()]
    return report_html.report(tally.tally(batch.rows), judged)


def show_truth(batch: Batch) -> None:
    """With the truth, how good the models are on these films."""
    from xray_models.scale import truth

    st.header("Compared with the truth", anchor=False)
    if batch.truth is None:
        take_truth(batch)
    table = batch.truth
    rows = [row for row in batch.rows if row.label]
    if table is None:
        return
    files = list(dict.fromkeys(row.file for row in rows))
    if not files:
        st.info("No model read any of these films, so there is nothing to compare.")
        return
    names = list(map(str, table.columns))
    try:
        guessed = truth.match(table, files)
    except PredictionsError as error:
        st.error(str(error), icon=":material/table_view:")
        st.button("Give another table", on_click=forget_truth)
        return
    with st.container(border=True):
        column = st.selectbox(
            "Column with the file names",
            names,
            names.index(guessed.column),
            key=f"batch file column {batch.key}",
        )
        try:
            matched = truth.match(table, files, column)
        except PredictionsError as error:
            st.error(str(error), icon=":material/table_view:")
            return
        for note in matched.notes:
            st.caption(note)
        where = choose_columns(batch, rows, table, matched.column)
        left, right = st.columns(2)
        with left:
            st.button(
                "Compare with these columns", type="primary", width="stretch", on_click=confirm
            )
        with right:
            st.button("Give another table", on_click=forget_truth, width="stretch")
    kept = f"batch judged {batch.key}"
    if st.session_state.pop("batch confirmed", False):
        from xray_models.evaluate.workings import Workings

        try:
            judged = truth.judge(rows, table, matched, where)
        except PredictionsError as error:
            st.error(str(error), icon=":material/table_view:")
            return
        if not judged:
            st.info("Choose a column for at least one label.")
            return
        st.session_state[kept] = {str(one.model): Workings(one) for one in judged}
        st.session_state[f"{kept} at"] = time.time()
    if workings := st.session_state.get(kept):
        show_performance(batch, workings)


def take_truth(batch: Batch) -> None:
    """Take a table of truth in, after the films."""
    file = st.file_uploader(
        "Truth (CSV): file names, and a label or labels",
        key=f"late truth {batch.key}",
        max_upload_size=predictions.MOST_BYTES // 2**20,
    )
    if file is not None:
        try:
            batch.truth = predictions.read(file.getvalue(), file.name)
        except PredictionsError as error:
            st.error(str(error), icon=":material/table_view:")


def confirm() -> None:
    """The columns are right."""
    st.session_state["batch confirmed"] = True


def forget_truth() -> None:
    """Take another table."""
    batch: Batch = st.session_state.batch
    batch.truth = None
    st.session_state.pop(f"batch judged {batch.key}", None)
    st.session_state.pop(f"late truth {batch.key}", None)


def choose_columns(
    batch: Batch, rows: list[Row], table: pd.DataFrame, column: str
) -> dict[str, Choice]:
    """Where the truth of each label stands: guessed, to be confirmed or corrected."""
    from xray_models.scale import truth

    beside = table.drop(columns=column)
    labels = list(dict.fromkeys(row.label for row in rows))
    guessed = truth.proposal(labels, beside)
    options = {str(one): one for one in (*truth.choices(beside), *guessed.values())}
    names = [NOBODY_KNOWS, *options]
    where = {}
    for k, side in enumerate(st.columns(min(3, len(labels))) * len(labels)):
        if k < len(labels):
            label = labels[k]
            start = names.index(str(guessed.get(label, NOBODY_KNOWS)))
            with side:
                chosen = st.selectbox(
                    f"Truth of {label}", names, start, key=f"batch truth {label} {batch.key}"
                )
            if chosen != NOBODY_KNOWS:
                where[label] = options[chosen]
    return where


def show_performance(batch: Batch, workings: dict[str, Workings]) -> None:
    """The screen that judges a model, for these films."""
    from pages.judging import screen

    names = {card.id: card.name for card in catalogue.catalogue().values()}
    model = next(iter(workings))
    if len(workings) > 1:
        model = st.selectbox(
            "Judge", list(workings), format_func=lambda one: names[one], key="batch judged"
        )
    at = st.session_state[f"batch judged {batch.key} at"]
    try:
        screen.show(f"batch {at} {model}", workings[model])
    except ValueError as error:
        st.error(f"{names[model]} cannot be judged in full. {error}", icon=":material/error:")


main()
