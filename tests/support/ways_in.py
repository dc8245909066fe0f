"""Every way into a network watched, for what must run nothing of it."""

import threading
from dataclasses import replace

from xray_models.inference import functions


def watched(monkeypatch):
    """The names of the functions of networks that are run from now on, as they are run.

    Models that load in the background while a page is open run each once: those are not counted.
    """
    ran = []

    def noted(name, function):
        def run(*values, **options):
            if threading.current_thread().name != "warm-up":
                ran.append(name)
            return function(*values, **options)

        return run

    for name in ("forward", "input_gradient"):
        monkeypatch.setattr(functions.Traced, name, noted(name, getattr(functions.Traced, name)))
    cut = functions.Traced.cut

    def watched_cut(network, layer):
        found = cut(network, layer)
        parts = {name: noted(name, getattr(found, name)) for name in ("front", "rest", "gradient")}
        return replace(found, **parts)

    monkeypatch.setattr(functions.Traced, "cut", watched_cut)
    return ran
