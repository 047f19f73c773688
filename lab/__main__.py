# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab`: a small managed service provider on loopback, to try and to test patching against."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import subprocess
import sys
import time
from pathlib import Path

from .client import LabClient, is_running
from .clock import ClockError, parse_instant
from .errors import LabError
from .faults import FaultError
from .fleet import FleetError
from .network import Layout, loopback
from .windows.registry import HandlersError, load_handlers

DESCRIPTION = """\
A small managed service provider on loopback: Windows endpoints behind WinRM, ConnectWise Automate,
ConnectWise PSA, whoever is on call and the API of AWX, all in one process and all simulated. Unmodified
Ansible drives it.
What PowerShell would do is played by Python: the lab proves orchestration, never that a PowerShell script is right.
"""
UP = """\
Starts the lab and serves until Ctrl-C, SIGTERM or `python -m lab down`.

The state directory then holds lab.json (addresses and passwords of all faces), ca.pem, two inventories
(inventory/ for msp.patching.automate, inventory-static/ for playbooks that need no plugin), policy.yml and
journal.jsonl. Where a proxy is set, export NO_PROXY=127.0.0.1,localhost for Ansible.
"""
START_SECONDS = 60.0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser(
        "up", help="start it", description=UP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    up.add_argument("--fleet", type=Path, required=True, help="the fleet file, such as lab/fleets/demo.yml")
    up.add_argument("--host", default="127.0.0.1", help="loopback address of the APIs (default: %(default)s)")
    up.add_argument(
        "--port-base",
        type=int,
        default=18_000,
        help="control here, Automate http +1 https +2, PSA http +3 https +4, on-call +5, AWX +6, "
        "WinRM +100+id; 0: wherever ports are free (default: %(default)s)",
    )
    up.add_argument("--addresses", action="store_true", help="each endpoint on its own 127.x.y.z:5985 (Linux)")
    up.add_argument("--no-winrm", action="store_true", help="no endpoint listens: for fleets of tens of thousands")
    up.add_argument("--tls", action="store_true", help="WinRM over HTTPS, from port base +7100 (or port 5986)")
    up.add_argument("--speed", type=float, help="lab seconds per second, 0 stands still (default: the fleet's)")
    up.add_argument("--start", help="instant at which the lab's clock starts (default: the fleet's)")
    up.add_argument(
        "--handlers",
        type=Path,
        action="append",
        default=[],
        help="a file, or a folder of files, with handlers of your own modules (docs/lab.md); may be given again",
    )
    up.add_argument("--detach", action="store_true", help="come back as soon as it is up; log in lab.log")
    down = commands.add_parser("down", help="stop it")
    status = commands.add_parser("status", help="is it up, and what time is it there")
    environment = commands.add_parser("environment", help='print the settings of msp.patching for it: eval "$(…)"')
    for command in (up, down, status, environment):
        command.add_argument("--state-dir", type=Path, default=Path(".lab"), help="default: %(default)s")
    return parser


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def welcome(client: LabClient) -> str:
    """What a person needs to play with the lab: where everything is, its passwords, and first commands."""
    info, where = client.info, client.state_dir
    automate, psa, on_call, winrm, awx = (info[face] for face in ("automate", "psa", "oncall", "winrm", "awx"))
    return f"""\
The lab is up, with {info["endpoints"]} endpoints of {info["fleet"]}.
Ctrl-C ends it, or `python -m lab down --state-dir {where}`.

  Automate   {automate["url"]}  {automate["https_url"]}
             user {automate["user"]}  password {automate["password"]}  ClientId {automate["client_id"]}
  PSA        {psa["url"]}  {psa["https_url"]}
             company {psa["company"]}  keys {psa["public_key"]} {psa["private_key"]}  clientId {psa["client_id"]}
  On-call    {on_call["pagerduty_url"]}  routing key {on_call["routing_key"]}
             {on_call["webhook_url"]}  token {on_call["token"]}
  AWX        {awx["url"]}  user {awx["user"]}  password {awx["password"]}  token {awx["token"]}
  WinRM      {winrm["scheme"]}, user {winrm["user"]}  password {winrm["password"]}
  Control    {info["control"]["url"]}/lab/  token {info["control"]["token"]}
  CA         {info["ca"]}
  Inventory  {client.inventory} (through msp.patching.automate), {client.static_inventory} (needs no plugin)

In another terminal, with ansible on the PATH (the Makefile's is in .venv/bin):

  eval "$(python -m lab environment --state-dir {where})"
  ansible-inventory -i {client.inventory} --graph
  ansible -i {client.inventory} ring_pilot -m ansible.windows.win_ping
  ansible-playbook -i {client.inventory} playbooks/ring.yml -e ring=pilot --check"""


def up(options: argparse.Namespace) -> None:
    from .server import Lab, Settings

    layout = Layout(loopback(options.host), options.port_base, options.addresses, options.tls, not options.no_winrm)
    start = parse_instant(options.start) if options.start else None
    settings = Settings(options.fleet, options.state_dir, layout, options.speed, start)
    load_handlers(options.handlers)

    def when_up() -> None:
        say(welcome(LabClient.from_state_dir(options.state_dir)))

    async def serve() -> None:
        await Lab(settings).run(when_up)

    asyncio.run(serve())


def detach(options: argparse.Namespace) -> None:
    """The same command once more, in a session of its own."""
    options.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = options.state_dir / "lab.log"
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with log.open("w", encoding="utf-8") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "lab", *words], stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise LabError(log.read_text(encoding="utf-8").strip().removeprefix("lab: ") or "the lab ended at once")
        if _is_up(options.state_dir, child.pid):
            status(options)
            return
        time.sleep(0.1)
    raise LabError(f"the lab is not up after {START_SECONDS:.0f} seconds: see {log}")


def _is_up(state_dir: Path, pid: int) -> bool:
    try:
        return bool(LabClient.from_state_dir(state_dir).info["pid"] == pid)
    except LabError:
        return False


def down(options: argparse.Namespace) -> None:
    client = LabClient.from_state_dir(options.state_dir)
    try:
        client.shutdown()
    except LabError:
        if is_running(client.info["pid"]):
            raise
        (options.state_dir / "lab.json").unlink()
        say("the lab had died; its lab.json is removed")
        return
    deadline = time.monotonic() + 10
    while (options.state_dir / "lab.json").exists():
        if time.monotonic() > deadline:
            raise LabError(f"the lab (process {client.info['pid']}) does not stop")
        time.sleep(0.05)
    say("the lab is down")


def status(options: argparse.Namespace) -> None:
    client = LabClient.from_state_dir(options.state_dir)
    clock, machines = client.clock(), client.machines()
    reachable = sum(machine["reachable"] for machine in machines.values())
    say(f"lab        up, process {client.info['pid']}, fleet {client.info['fleet']}")
    say(f"time       {clock['now']}, {clock['speed']:g} lab seconds per second")
    say(f"endpoints  {len(machines)}, {reachable} reachable")
    say(f"control    {client.info['control']['url']}/lab/")
    say(f"automate   {client.info['automate']['url']}")
    say(f"psa        {client.info['psa']['url']}")
    say(f"on-call    {client.info['oncall']['pagerduty_url']}")
    say(f"awx        {client.info['awx']['url']}")
    say(f"inventory  {client.inventory}, {client.static_inventory}")
    missing = client.unsimulated()
    if missing:
        say(f"asked for and not simulated: {len(missing)}, the last: {missing[-1]['what']}")


def environment(options: argparse.Namespace) -> None:
    for name, value in LabClient.from_state_dir(options.state_dir).environment().items():
        say(f"export {name}={shlex.quote(value)}")


def main() -> int:
    options = arguments().parse_args()
    commands = {
        "up": detach if getattr(options, "detach", False) else up,
        "down": down,
        "status": status,
        "environment": environment,
    }
    try:
        commands[options.command](options)
    except (LabError, FleetError, FaultError, ClockError, HandlersError) as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
