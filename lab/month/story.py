# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cycle 2026-10 of the three clients in lab/fleets/demo.yml. The clocks go back on Sunday, 1 November.

Not every hour is played: only those at which something is due, and one at which nothing is.
"""

from __future__ import annotations

from .script import CHICAGO, LOS_ANGELES, NEW_YORK, Breaks, Changes, Decides, Hour, Mends, Restarts, Step

CYCLE = "2026-10"
PREVIEW, ACROBAT = "KB5086877", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
OF_2019 = "KB5087203"
TECHNICIAN, ENGINEER = "t.brandt", "m.okafor"

STORY = (
    Step(
        Hour("2026-10-13 10:05", LOS_ANGELES),
        "Patch Tuesday, five past ten: the cycle opens, every machine is searched, and it is a working day's morning",
        before=(
            Decides(
                ENGINEER,
                "except",
                {
                    "endpoint": "CLAW-WS05",
                    "code": "LEGAL",
                    "reason": "kept as it is for a lawsuit",
                    "expires": "2027-01-01T00:00:00Z",
                    "signed_by": "Dana Reyes",
                    "signed_at": "2026-10-12T15:00:00Z",
                },
            ),
        ),
    ),
    Step(
        Hour("2026-10-14 02:05", NEW_YORK),
        "The pilot's night: overnight workstations in New York; the servers' windows are open in all three zones",
        before=(
            Restarts("its user", "HARB-WS03", user="jdoe", at=Hour("2026-10-13 17:30", LOS_ANGELES)),
            Decides(
                TECHNICIAN,
                "authorize",
                {"client": "Acme Dental", "ring": "pilot", "kind": "server", "reason": "pilot night"},
            ),
            Decides(TECHNICIAN, "authorize", {"endpoint": "HARB-FS01", "reason": "pilot night"}),
        ),
    ),
    Step(
        Hour("2026-10-14 02:05", CHICAGO),
        "The pilot's night in Chicago. One update fails, and the PSA is down",
        before=(Breaks("the PSA answers nothing but 500", {"target": "psa", "kind": "error"}),),
        red=True,
    ),
    Step(
        Hour("2026-10-14 02:05", LOS_ANGELES),
        "The pilot's night in Los Angeles; the PSA is back, and gets the ticket that waited",
        before=(Mends("the PSA is back", "psa"),),
    ),
    Step(
        Hour("2026-10-14 09:00", NEW_YORK),
        "Nothing is due: two machines are asked whether their users have restarted them",
    ),
    Step(
        Hour("2026-10-14 10:05", LOS_ANGELES),
        "Past ten in every zone: whose restart is pending is told, once a day. An engineer reads the ticket",
        before=(
            Decides(
                ENGINEER,
                "root_cause",
                {"endpoint": "CLAW-WS02", "code": "DISK", "text": "component store repaired with DISM"},
            ),
            Decides(
                ENGINEER,
                "release",
                {
                    "client": "Cascade Law",
                    "ring": "pilot",
                    "kind": "workstation",
                    "cycle": CYCLE,
                    "reason": "root cause found and repaired",
                },
            ),
            Decides(ENGINEER, "approve", {"updates": ACROBAT, "reason": "reviewed: a security update"}),
        ),
    ),
    Step(Hour("2026-10-15 02:05", CHICAGO), "The night after: what failed is tried again"),
    Step(
        Hour("2026-10-15 10:05", LOS_ANGELES),
        "Reminders, the third day for Acme's user; Harbor's has restarted by himself, and is validated",
        before=(Restarts("its user", "HARB-WS02", user="jdoe", at=Hour("2026-10-15 08:30", LOS_ANGELES)),),
    ),
    Step(Hour("2026-10-16 10:05", LOS_ANGELES), "The last reminder: pending for three days, it is forced tonight"),
    Step(Hour("2026-10-17 02:05", NEW_YORK), "Between two and four at night: the restart that nobody made is forced"),
    Step(
        Hour("2026-10-22 11:05", NEW_YORK),
        "The scheduler was down since Saturday. The soak has passed: regular workstations are due, by day in Chicago",
        before=(
            Decides(
                ENGINEER,
                "approve",
                {
                    "updates": PREVIEW,
                    "decision": "declined",
                    "code": "PREVIEW",
                    "reason": "previews are not rolled out",
                },
            ),
            Decides(TECHNICIAN, "authorize", {"endpoint": "CLAW-DC01", "reason": "the only server, tonight"}),
        ),
    ),
    Step(
        Hour("2026-10-23 02:05", CHICAGO),
        "The night in Chicago: regular workstations, and the only server of its client, which a technician let go",
    ),
    Step(
        Hour("2026-10-23 10:05", LOS_ANGELES),
        "Technicians and users have restarted by hand: seen by the boot, and validated",
        before=(
            Restarts(TECHNICIAN, "CLAW-DC01", at=Hour("2026-10-23 06:30", CHICAGO)),
            Restarts("its user", "CLAW-WS04", user="jdoe", at=Hour("2026-10-23 08:50", CHICAGO)),
            Changes(
                f"{TECHNICIAN} patches HARB-BKP01 by hand: its policy group is Manual", "HARB-BKP01", {"pending": []}
            ),
        ),
    ),
    Step(
        Hour("2026-11-01 01:10", NEW_YORK, again=True),
        "The clocks went back: ten past one comes twice. Workstations wait, servers are in their window",
        before=(
            Decides(
                ENGINEER,
                "release",
                {"ring": "production", "kind": "workstation", "reason": "the pilot has been healthy for two weeks"},
                at=Hour("2026-10-31 16:00", NEW_YORK),
            ),
            Decides(
                ENGINEER,
                "approve",
                {
                    "updates": OF_2019,
                    "client": "Acme Dental",
                    "promote": "true",
                    "reason": "no pilot of Acme runs 2019; healthy at Cascade Law",
                },
            ),
            Decides(
                TECHNICIAN,
                "authorize",
                {"client": "Acme Dental", "ring": "production", "kind": "server", "reason": "the long night"},
            ),
        ),
    ),
    Step(Hour("2026-11-01 02:05", NEW_YORK), "Now it is two: production workstations"),
    Step(
        Hour("2026-11-02 10:05", LOS_ANGELES),
        "A technician has restarted the SQL server; a laptop that slept since September is awake, and caught up",
        before=(
            Restarts(TECHNICIAN, "ACME-SQL01", at=Hour("2026-11-02 06:00", NEW_YORK)),
            Changes(
                "ACME-LT01 is taken out of its bag",
                "ACME-LT01",
                {"asleep": False},
                at=Hour("2026-11-02 09:00", NEW_YORK),
            ),
        ),
    ),
    Step(
        Hour("2026-11-03 10:05", LOS_ANGELES),
        "Its user has restarted it; what is left of the month is held or has never been seen",
        before=(Restarts("its user", "ACME-LT01", user="jdoe", at=Hour("2026-11-02 17:15", NEW_YORK)),),
    ),
    Step(
        Hour("2026-11-10 10:05", LOS_ANGELES),
        "The next Patch Tuesday: the month is over, and the last tiers close, with name and reason for what is left",
    ),
)
