# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX for tests: its API in the lab, and the half that starts ansible-runner in a private data dir.

What a job gets (environment, extra vars, files, playbook) is what the lab's AWX makes of the objects that the setup
playbook made. Only the container is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.awx.jobs import inventory_script
from lab.client import LabClient

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "awx"
BIN = Path(sys.executable).parent
KEPT = ("PATH", "HOME", "LANG", "NO_PROXY", "no_proxy", "PYTHONPATH")


class Awx:
    """The lab's AWX, asked as its own modules ask it."""

    def __init__(self, lab: LabClient) -> None:
        self._info = lab.info["awx"]
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def environment(self) -> dict[str, str]:
        """For the modules of awx.awx."""
        return {"CONTROLLER_HOST": self._info["url"], "CONTROLLER_OAUTH_TOKEN": self._info["token"]}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the lab on loopback
            f"{self._info['url']}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._info['token']}"},
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return {"refused": error.code, **json.loads(error.read())}

    def all(self, kind: str, **query: Any) -> dict[str, dict[str, Any]]:
        """By name."""
        words = urllib.parse.urlencode({"page_size": 200, **query})
        return {row["name"]: row for row in self.call("GET", f"/api/v2/{kind}/?{words}")["results"]}

    def list_of(self, row: dict[str, Any], name: str) -> list[str]:
        return [one["name"] for one in self.call("GET", row["related"][name])["results"]]

    def launch(self, template: str, **asked: Any) -> dict[str, Any]:
        """What AWX hands over for the job."""
        row = self.all("job_templates")[template]
        job = self.call("POST", row["related"]["launch"], asked)
        assert "job" in job, job
        handed: dict[str, Any] = self.call("GET", f"/lab/jobs/{job['job']}/")
        return handed


def write_project(folder: Path, lab: LabClient, **settings: Any) -> Path:
    """The example of a project, with the lab's addresses in the place of one's own."""
    project = folder / "project"
    shutil.copytree(EXAMPLE, project)
    shared = yaml.safe_load((lab.inventory / "group_vars" / "windows.yml").read_text())
    theirs = yaml.safe_load((project / "group_vars" / "windows.yml").read_text())
    account = {name: theirs[name] for name in ("ansible_user", "ansible_password")}
    (project / "group_vars" / "windows.yml").write_text(yaml.safe_dump({**shared, **account}))
    source = yaml.safe_load((project / "automate.yml").read_text())
    source["compose"] = yaml.safe_load((lab.inventory / "lab.automate.yml").read_text())["compose"]
    (project / "automate.yml").write_text(yaml.safe_dump(source))
    policy = yaml.safe_load((project / "policy.yml").read_text())
    (project / "policy.yml").write_text(yaml.safe_dump({**policy, "clock": "simulated", **settings}))
    return project


@dataclass
class Job:
    """A job in its private data dir, as AWX writes it."""

    handed: dict[str, Any]
    project: Path
    folder: Path
    """Of this job alone, and not there yet."""

    def __post_init__(self) -> None:
        self.private = self.folder / "runner"
        (self.private / "env").mkdir(parents=True)
        (self.private / "inventory").mkdir()
        shutil.copytree(self.project, self.private / "project")
        self._write(self.private / "inventory" / "hosts", inventory_script(self.inventory), 0o700)
        env = {name: self._placed(value) for name, value in self.handed["env"].items()}
        extra_vars = {name: self._placed(value) for name, value in self.handed["extra_vars"].items()}
        collections = str(ROOT / ".ansible" / "collections")  # of the execution environment
        self._json(
            "envvars", {**env, "ANSIBLE_COLLECTIONS_PATH": collections, "AWX_PRIVATE_DATA_DIR": str(self.private)}
        )
        self._json("extravars", extra_vars)
        self._json(
            "settings", {"idle_timeout": 0, "job_timeout": 300, "pexpect_timeout": 5, "suppress_ansible_output": True}
        )

    def _json(self, name: str, told: Any) -> None:
        self._write(self.private / "env" / name, json.dumps(told), 0o600)

    @staticmethod
    def _write(path: Path, text: str, mode: int) -> Path:
        path.touch(mode=mode)
        path.write_text(text)
        return path

    def _placed(self, value: Any) -> Any:
        """A credential's file lies in the job's env, as AWX puts it there."""
        if not isinstance(value, str) or not value.startswith("FILE:"):
            return value
        name = value.removeprefix("FILE:")
        return str(self._write(self.private / "env" / name, self.handed["files"][name], 0o600))

    @property
    def inventory(self) -> dict[str, Any]:
        """What the inventory's update has imported."""
        return self._imported(self.handed["inventory"])

    def _imported(self, told: dict[str, Any]) -> dict[str, Any]:
        if "inputs" in told:
            folder = self.folder / "update"
            folder.mkdir(exist_ok=True)
            (inner,) = told["inputs"]
            script = self._write(folder / "input", inventory_script(self._imported(inner)), 0o700)
            made = folder / "constructed.yml"
            made.write_text(yaml.safe_dump(told["source_vars"]))
            return self._listed([script, made], {}, "--limit", told["limit"])
        (source,) = told["sources"]
        env = {name: self._placed_of_source(value, source) for name, value in source["env"].items()}
        return self._listed([self.private / "project" / source["path"]], env)

    def _placed_of_source(self, value: str, source: dict[str, Any]) -> str:
        if not value.startswith("FILE:"):
            return value
        name = value.removeprefix("FILE:")
        return str(self._write(self.folder / name, source["files"][name], 0o600))

    def _listed(self, sources: list[Path], env: dict[str, str], *words: str) -> dict[str, Any]:
        inputs = [word for source in sources for word in ("-i", str(source))]
        done = subprocess.run(
            [str(BIN / "ansible-inventory"), *inputs, "--list", "--export", *words],
            cwd=self.private / "project",
            env={**self.environment(), **env, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections")},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        listing: dict[str, Any] = json.loads(done.stdout)
        return listing

    def environment(self) -> dict[str, str]:
        """Of the container: nothing of this machine's settings of Ansible."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_HOME": str(self.folder / "home")}

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        handed = self.handed
        words = [*(["-l", handed["limit"]] if handed["limit"] else []), *(["--check"] if handed["check"] else [])]
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.awx_worker",
                str(self.private),
                handed["playbook"],
                " ".join(words),
            ],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def run(self) -> dict[str, Any]:
        with self.running() as process:
            return self.ended(process)

    def cancel(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        process.send_signal(signal.SIGTERM)
        return self.ended(process)

    def ended(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """``status`` and ``rc`` as ansible-runner has them."""
        said = process.communicate(timeout=240)[0]
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return found

    def left_behind(self) -> list[Path]:
        """Every file of the job, but for those that hand it its credentials, and ansible-runner's note of these."""
        given = self.private / "env"
        files = [path for path in self.folder.rglob("*") if path.is_file() and given not in path.parents]
        return [path for path in files if path.name != "command"]

    @property
    def output(self) -> str:
        return (self.private / "artifacts" / "1" / "stdout").read_text()

    def events(self) -> list[dict[str, Any]]:
        """What AWX's own callback has told."""
        found = [
            json.loads(path.read_text()) for path in (self.private / "artifacts" / "1" / "job_events").glob("*.json")
        ]
        return sorted(found, key=lambda event: int(event["counter"]))
