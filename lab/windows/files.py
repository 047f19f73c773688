# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_file, win_stat, win_copy and slurp, on the machine's simulated drive."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from lab.machine_parts import Entry, leaf, normal_path, parent

from .arguments import Option
from .registry import ModuleFailed, Result, Run, Unsimulated, module

ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512")


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()


@module(
    "ansible.windows.win_file",
    options={
        "path": Option("path", required=True, aliases=("dest", "name")),
        "state": Option("str", choices=("absent", "directory", "file", "touch")),
        "_original_basename": Option("str"),
    },
    any_option=True,
)
async def win_file(run: Run) -> Result:
    files, now = run.machine.files, run.machine.clock.now()
    path, state = run.args["path"], run.args["state"]
    if files.is_folder(path) and run.args["_original_basename"]:
        path = f"{path}\\{run.args['_original_basename']}"
    entry = files.get(path)
    if state == "absent":
        changed = entry is not None
        if changed and not run.check_mode:
            files.remove(path)
        return {"changed": changed}
    if state == "touch":
        if not run.check_mode:
            files.write(path, (entry.content or b"") if entry else b"", now)
        return {"changed": True}
    if entry is None and state in ("file", None):
        raise ModuleFailed(f"path {path} will not be created")
    if entry is None:
        if not run.check_mode:
            files.make_folder(path, now)
        return {"changed": True}
    if state == "directory" and entry.content is not None:
        raise ModuleFailed(f"path {path} is not a directory")
    if state == "file" and entry.content is None:
        raise ModuleFailed(f"path {path} is not a file")
    return {"changed": False}


@module(
    "ansible.windows.win_stat",
    options={
        "path": Option("path", required=True, aliases=("dest", "name")),
        "get_checksum": Option("bool", default=True),
        "get_size": Option("bool", default=True),
        "checksum_algorithm": Option("str", default="sha1", choices=ALGORITHMS),
        "follow": Option("bool", default=False),
    },
)
async def win_stat(run: Run) -> Result:
    entry = run.machine.files.get(run.args["path"])
    if entry is None:
        return {"changed": False, "stat": {"exists": False}}
    stat = _common_stat(entry)
    if entry.content is None:
        stat |= {"isdir": True, "attributes": "Directory"}
        if run.args["get_size"]:
            stat["size"] = sum(len(below.content or b"") for below in run.machine.files.below(entry.path))
    else:
        name = leaf(entry.path)
        stat |= {"isreg": True, "isarchive": True, "extension": "." + name.rpartition(".")[2] if "." in name else ""}
        if run.args["get_checksum"]:
            stat["checksum"] = checksum(entry.content, run.args["checksum_algorithm"])
        if run.args["get_size"]:
            stat["size"] = len(entry.content)
    return {"changed": False, "stat": stat}


def _common_stat(entry: Entry) -> dict[str, Any]:
    written = _timestamp(entry.written)
    return {
        "exists": True,
        "attributes": "Archive",
        "isarchive": False,
        "isdir": False,
        "ishidden": False,
        "isjunction": False,
        "islnk": False,
        "isreadonly": False,
        "isreg": False,
        "isshared": False,
        "nlink": 1,
        "hlnk_targets": [],
        "creationtime": written,
        "lastaccesstime": written,
        "lastwritetime": written,
        "path": entry.path,
        "filename": leaf(entry.path),
        "owner": "BUILTIN\\Administrators",
    }


def _timestamp(instant: datetime) -> float:
    return instant.timestamp()


@module("ansible.windows.slurp", options={"src": Option("path", required=True, aliases=("path",))}, any_option=True)
async def slurp(run: Run) -> Result:
    path = run.args["src"]
    if run.machine.files.is_folder(path):
        raise ModuleFailed(f"Path {path} is a directory")
    content = run.machine.files.read(path)
    if content is None:
        raise ModuleFailed(f"Path {path} is not found")
    return {"changed": False, "content": base64.b64encode(content).decode(), "encoding": "base64"}


@module(
    "ansible.windows.win_copy",
    options={
        "_copy_mode": Option("str", default="single", choices=("explode", "query", "remote", "single")),
        "src": Option("path"),
        "dest": Option("raw", required=True),
        "_original_basename": Option("str"),
        "backup": Option("bool", default=False),
        "force": Option("bool", default=True),
        "files": Option("list"),
        "directories": Option("list"),
    },
    any_option=True,
)
async def win_copy(run: Run) -> Result:
    mode = run.args["_copy_mode"]
    if mode == "query":
        return _needed(run)
    if mode == "explode":
        raise Unsimulated("win_copy of several files in one archive: copy them one by one")
    return _place(run)


def _needed(run: Run) -> Result:
    """Which of the files and folders are missing, or differ."""
    files, dest = run.machine.files, normal_path(run.args["dest"])
    needed = []
    for file in run.args["files"] or ():
        path = normal_path(f"{dest}\\{file['dest']}")
        if files.is_folder(path):
            path = f"{path}\\{leaf(file['src'].replace('/', chr(92)))}"
        content = files.read(path)
        if content is None or (run.args["force"] and checksum(content) != file["checksum"]):
            needed.append(file)
    folders = [folder for folder in run.args["directories"] or () if not files.is_folder(f"{dest}\\{folder['dest']}")]
    return {"changed": False, "files": needed, "directories": folders, "symlinks": []}


def _place(run: Run) -> Result:
    """One file to its destination: from the upload (single), or from elsewhere on the machine (remote)."""
    files, now = run.machine.files, run.machine.clock.now()
    source, raw = run.args["src"], str(run.args["dest"])
    remote = run.args["_copy_mode"] == "remote"
    content = files.read(source)
    if files.is_folder(source):
        raise Unsimulated("win_copy of a folder with remote_src")
    if content is None:
        raise ModuleFailed(f"Cannot copy src file: '{source}' as it does not exist")
    into_folder = raw.endswith(("\\", "/")) or files.is_folder(raw)
    dest = normal_path(raw)
    if into_folder:
        dest += "\\" + (leaf(source) if remote else run.args["_original_basename"])
    folder = parent(dest)
    if not files.is_folder(folder):
        if not into_folder:
            raise ModuleFailed(f"Destination directory '{folder}' does not exist")
        if not run.check_mode:
            files.make_folder(folder, now)
    existing = files.read(dest)
    changed = not remote or existing is None or (run.args["force"] and existing != content)
    if changed and not run.check_mode:
        files.write(dest, content, now)
    if not remote:
        return {"changed": True}
    return {
        "changed": changed,
        "src": source,
        "dest": dest,
        "operation": "file_copy",
        "size": len(content),
        "original_basename": leaf(source),
        "checksum": checksum(content),
    }
