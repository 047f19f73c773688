# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of AWX: ``python -m tests.integration.awx_worker FOLDER PLAYBOOK WORDS``.

Runs the job in its private data dir by ansible-runner, and has that end the process group when told to stop. Prints
how it ended, as JSON.
"""

from __future__ import annotations

import json
import signal
import sys

import ansible_runner  # type: ignore[import-untyped]  # it ships no types


def main(folder: str, playbook: str, words: str) -> None:
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
    done = ansible_runner.run(
        private_data_dir=folder,
        playbook=playbook,
        cmdline=words,
        ident="1",
        quiet=True,
        cancel_callback=lambda: bool(stop),
    )
    sys.stdout.write(json.dumps({"status": done.status, "rc": done.rc}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
