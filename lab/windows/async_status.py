# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.async_status: looks into the job file. A job that a reboot killed stays unfinished."""

from __future__ import annotations

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

OPTIONS = {
    "jid": Option("str", required=True),
    "mode": Option("str", default="status", choices=("status", "cleanup")),
    "_async_dir": Option("path"),
}


@module("ansible.windows.async_status", options=OPTIONS, any_option=True)
async def async_status(run: Run) -> Result:
    jid = run.args["jid"]
    job = run.machine.jobs.get(jid)
    if job is None:
        raise ModuleFailed(
            f"could not find job at '{run.args['_async_dir']}'", ansible_job_id=jid, started=True, finished=True
        )
    if run.args["mode"] == "cleanup":
        del run.machine.jobs[jid]
        return {"changed": False, "ansible_job_id": jid, "erased": job.results_file}
    return {"changed": False, **job.status()}
