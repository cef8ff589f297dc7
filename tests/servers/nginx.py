"""nginx in front of another server, with what data owners' proxies have in theirs."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import HOST, Server, ServerError

_CONFIGURATION = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    default_type text/html;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port};
        location / {{
            {rules}
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def binary() -> str | None:
    """Return nginx's path, if there is one. On Debian it is on root's path alone."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Nginx(Server):
    """An nginx of its own, reachable from 127.0.0.1 alone.

    Args:
        folder: where it keeps its configuration and its log.
        upstream: URL of the server behind it.
    """

    def __init__(self, folder: Path, upstream: str) -> None:
        super().__init__("nginx", folder)
        self._upstream = upstream
        self.rule("")

    @property
    def url(self) -> str:
        """Return its URL."""
        return f"http://{HOST}:{self.port}"

    def rule(self, rules: str) -> None:
        """Write the configuration, with these directives for every request."""
        (self.folder / "nginx.conf").write_text(
            _CONFIGURATION.format(
                user=getpass.getuser(),
                folder=self.folder,
                host=HOST,
                port=self.port,
                upstream=self._upstream,
                rules=rules,
            )
        )

    def command(self) -> Sequence[str | Path]:
        """Return the command ``nginx``, with our configuration alone."""
        found = binary()
        if found is None:
            raise ServerError("nginx is not installed")
        return [found, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", "stderr"]
