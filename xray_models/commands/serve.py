"""`radlens serve`: REST by itself, without the pages of the dashboard."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.radiograph.pool import Pool
    from xray_models.serve import Settings

__all__ = ["serve"]

_LONGEST_MODEL = 30  # seconds
_MOST_HEADER_BYTES = 32_768


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 serves other machines.")
    ] = "localhost",
    port: Annotated[int, typer.Option(help="Port to listen at.", min=0, max=65535)] = 8600,
    prefix: Annotated[
        str, typer.Option(help="Path under which a proxy shows the service, such as /radlens.")
    ] = "",
    new_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only make a key, and the line for the file of keys."),
    ] = None,
) -> None:
    """Serve REST: films in, findings out as JSON. For teaching and research, not for diagnosis."""
    from xray_models.serve import SettingsError, from_environment
    from xray_models.serve.settings import new_key as make_key

    try:
        if new_key is not None:
            key, line = make_key(new_key)
            typer.echo(f"Key, shown this once: {key}", err=True)
            typer.echo(line)
            return
        settings = from_environment()
    except SettingsError as error:
        fail(str(error))
    _run(settings, host, port, prefix)


def _run(settings: Settings, host: str, port: int, prefix: str) -> None:
    import uvicorn

    from xray_models.radiograph.pool import Pool
    from xray_models.serve.application import application

    pools: list[Pool] = []
    lock = threading.Lock()

    def decoders() -> Pool:
        with lock:
            if not pools:
                pools.append(Pool())
            return pools[0]

    ending = threading.Event()
    warming = threading.Thread(target=_warm, args=(ending,), name="warm-up", daemon=True)
    if os.environ.get("RADLENS_WARM", "").strip().lower() != "off":
        warming.start()
    shown = "[::1]" if host == "::1" else host
    typer.echo(f"http://{shown}:{port}{prefix}/upload  http://{shown}:{port}{prefix}/api/v1/docs")
    try:
        uvicorn.run(
            application(settings, decoders),
            host=host,
            port=port,
            root_path=prefix,
            access_log=False,  # the service writes its own lines, without addresses
            server_header=False,
            log_level="warning",
            h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        )
    finally:
        ending.set()
        if warming.is_alive():  # a network that is being built would end with a message of C++
            warming.join(_LONGEST_MODEL)
        for pool in pools:
            pool.close()


def _warm(ending: threading.Event) -> None:
    """Load the models, so that the first film is read at once."""
    from xray_models import pipeline

    # whoever asks for a reading is told the same in a sentence
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        pipeline.warm(lambda: not ending.is_set())
