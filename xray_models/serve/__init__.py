"""REST service: films in, findings out as JSON; beside the pages of the dashboard or by itself.

It knows no page: the dashboard hands it the processes that decode films, and both use the networks
that `xray_models.inference` holds. Nothing of an upload is written to disk or to a log.
"""

from xray_models.serve.routes import PATHS, routes
from xray_models.serve.settings import Settings, SettingsError, from_environment

__all__ = ["PATHS", "Settings", "SettingsError", "from_environment", "routes"]
