# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible asks the endpoint to run: the manifest on stdin, or a command line without stdin.

ansible-core 2.19 and later. The bootstrap text is never looked at, it changes between versions.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

SEPARATOR = b"\n\0\0\0\0\n"
ENCODED_COMMAND = re.compile(r"-EncodedCommand\s+([A-Za-z0-9+/=]+)", re.IGNORECASE)


class PayloadError(ValueError):
    """A payload of another shape than ansible-core 2.19 to 2.21 send."""


@dataclass
class Call:
    """One script of the manifest: a module (`is_module`), or one of core's own helpers.

    `script` is canonical, `ansible_collections.ansible.windows.plugins.modules.win_ping.ps1`; `name` is
    the dotted form, `ansible.windows.win_ping`. `wrappers` maps those in front of it to their parameters.
    """

    script: str
    args: dict[str, Any]
    is_module: bool
    source: str = ""
    wrappers: dict[str, dict[str, Any]] = field(default_factory=dict)
    extra: bytes = b""

    @property
    def name(self) -> str:
        stem = self.script.removesuffix(".ps1").removeprefix("ansible_collections.")
        return stem.replace(".plugins.modules.", ".")

    @property
    def check_mode(self) -> bool:
        return bool(self.args.get("_ansible_check_mode"))

    @property
    def no_log(self) -> bool:
        return bool(self.args.get("_ansible_no_log"))

    def user_args(self) -> dict[str, Any]:
        return {key: value for key, value in self.args.items() if not key.startswith("_ansible_")}


def parse_stdin(stdin: bytes) -> Call:
    """The last action of the manifest decides what runs; those in front of it wrap it."""
    if not stdin.startswith(b"{"):
        raise PayloadError("stdin does not start with a manifest: ansible-core older than 2.19 is not simulated")
    parts = stdin.split(SEPARATOR, 2)
    try:
        manifest = json.loads(parts[1])
        *before, last = manifest["actions"]
        params = last["params"]
        name = last["name"]
        if name != "module_wrapper.ps1":
            return Call(script=name, args=params, is_module=False, extra=parts[2] if len(parts) > 2 else b"")
        script = params["Script"]
        variables = {variable["Name"]: variable["Value"] for variable in params.get("Variables", ())}
        source = base64.b64decode(manifest["scripts"][script]["script"]).decode("utf-8", "replace")
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise PayloadError(f"the manifest on stdin is not of the known shape: {error!r}") from error
    return Call(
        script=script,
        args=dict(variables.get("complex_args") or {}),
        is_module=bool(params.get("ForModule")),
        source=source,
        wrappers={action["name"]: action.get("params", {}) for action in before},
    )


def parse_command_line(line: str) -> str:
    """The script inside a command line: what -EncodedCommand says (twice, for `raw`), else the line itself."""
    script = line
    for _level in range(3):
        found = ENCODED_COMMAND.search(script)
        if not found:
            break
        try:
            script = base64.b64decode(found[1], validate=True).decode("utf-16-le")
        except (binascii.Error, UnicodeDecodeError):
            break
    return script


def uploaded_payload(line: str) -> str | None:
    """The file that a command line runs as a payload: how Ansible works with ANSIBLE_KEEP_REMOTE_FILES.

    2.21 names it in -EncodedArguments (CLIXML in base64), older versions pipe it: ``type FILE | PowerShell …``.
    """
    found = re.search(r"-EncodedArguments\s+([A-Za-z0-9+/=]+)", line, re.IGNORECASE)
    if found:
        try:
            listed = re.search(r"<S>([^<]+)</S>", base64.b64decode(found[1], validate=True).decode("utf-16-le"))
        except (binascii.Error, UnicodeDecodeError):
            return None
        return listed[1] if listed else None
    piped = re.match(r"\s*type\s+(?P<quote>['\"]?)(?P<path>.+?)(?P=quote)\s*\|\s*powershell", line, re.IGNORECASE)
    return piped["path"] if piped else None


def split_windows(line: str) -> list[str]:
    """`shutdown.exe /r /c "two words"` -> its words; backslashes are plain characters."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = ""
    lexer.commenters = ""
    return list(lexer)
