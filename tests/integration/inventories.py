# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading inventories as a user does, with ansible-inventory; and an Automate server with defects of one's choice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from lab.client import LabClient

ROOT = Path(__file__).parent.parent.parent
CONFIG = """
[defaults]
collections_path = {collections}
[inventory]
any_unparsed_is_failed = true
"""


@dataclass(frozen=True)
class Reading:
    """What ansible-inventory gave: ``groups`` by name, ``hosts`` with their variables; ``told`` is standard error."""

    returncode: int
    output: str
    told: str

    @property
    def groups(self) -> dict[str, dict[str, list[str]]]:
        found: dict[str, Any] = json.loads(self.output)
        return found

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self.output)["_meta"]["hostvars"]
        return found

    @property
    def sentence(self) -> str:
        """Standard error as one line."""
        return " ".join(self.told.split())


@dataclass(frozen=True)
class Reader:
    """Writes a source for ``lab`` into ``folder`` and reads it; options are laid over the lab's own, None removes."""

    lab: LabClient
    folder: Path

    def write(self, name: str = "lab.automate.yml", **options: Any) -> Path:
        automate = self.lab.info["automate"]
        source = {"plugin": "msp.patching.automate", **{key: automate[key] for key in ("url", "user", "password")}}
        source = {**source, "client_id": automate["client_id"], **options}
        path = self.folder / name
        path.write_text(yaml.safe_dump({key: value for key, value in source.items() if value is not None}))
        return path

    def __call__(
        self, *words: str, path: Path | None = None, env: Mapping[str, str] | None = None, **options: Any
    ) -> Reading:
        config = self.folder / "plain.cfg"
        config.write_text(CONFIG.format(collections=ROOT / ".ansible" / "collections"))
        command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(path or self.write(**options))]
        done = subprocess.run(
            [*command, *(words or ("--list",))],
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_HOME": str(self.folder / "home"), **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Reading(done.returncode, done.stdout, done.stderr)

    def requests(self, since: int = 0) -> list[tuple[str, str]]:
        """(last part of the path, page) of each request that reached Automate after journal entry ``since``."""
        entries = self.lab.journal(since=since, limit=50_000, face="automate")
        return [
            (entry["path"].removeprefix("/cwa/api/v1/"), *parse_qs(entry["query"]).get("page", ["-"]))
            for entry in entries
        ]


def counted(kept: Path) -> dict[str, str]:
    """The environment in which Ansible's work is counted in the file `kept`: see ``counted/sitecustomize.py``."""
    path = [str(Path(__file__).parent / "counted"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, path)), "COUNTED": str(kept)}


Mangle = Callable[[str, Mapping[str, str], Any], Any]
"""Of a list's name in lower case, the query and the JSON answer: the answer in its place."""


@contextmanager
def defective(lab: LabClient, mangle: Mangle) -> Iterator[str]:
    """The address of a server that passes everything on to the lab's Automate and lets ``mangle`` at the answers."""
    automate = lab.info["automate"]["url"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
            request = urllib.request.Request(  # noqa: S310 - the lab on loopback
                automate + self.path, data=body, headers=dict(self.headers), method=self.command
            )
            try:
                with opener.open(request, timeout=30) as answer:
                    status, headers, content = answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                status, headers, content = error.code, error.headers, error.read()
            parts = urlsplit(self.path)
            if self.command == "GET" and status == 200:
                query = {key.lower(): values[0] for key, values in parse_qs(parts.query).items()}
                content = json.dumps(mangle(parts.path.rpartition("/")[2].lower(), query, json.loads(content))).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if "Total-Count" in headers:
                self.send_header("Total-Count", headers["Total-Count"])
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass  # noqa: N815 - the names that http.server calls

        def log_message(self, *_words: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
