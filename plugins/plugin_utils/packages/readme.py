# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that tells an assessor what is in the package, what each file is evidence of, and how to check it."""

from __future__ import annotations

from ..account import Account
from ..ledger.checkpoints import Checkpoint
from ..visible import visible

TEXT = """\
EVIDENCE OF FLAW REMEDIATION
{scope}
from {start} to {end} (UTC), as of {at}{final}

NIST SP 800-171 3.14.1 / CMMC SI.L2-3.14.1: identify, report and correct system flaws in a timely manner.

WHAT ANSWERS WHICH OBJECTIVE
  [a] the time within which to identify system flaws is specified   policy.json: deadlines.identify
  [b] system flaws are identified within the specified time frame   tables/flaws.csv: released, identified,
                                                                    identify.met; tables/endpoints.csv: searched
  [c] the time within which to report system flaws is specified     policy.json: deadlines.report
  [d] system flaws are reported within the specified time frame     tables/flaws.csv: reported, ticket, report.met
  [e] the time within which to correct system flaws is specified    policy.json: deadlines.correct, .emergency
  [f] system flaws are corrected within the specified time frame    tables/flaws.csv: installed, boot.boot_time,
                                                                    corrected, correct.met; tables/validations.csv

THE FILES
  report/                 the compliance report, to read first
  tables/flaws.csv        a row for each update on each endpoint: when it was released, identified, reported (with its
                          ticket), installed, and corrected, and the boot that proved it; "since" is what the times to
                          identify and to correct run from: the release, or the endpoint's first day with the provider
  tables/endpoints.csv    where each endpoint stands: patched, excluded, held, failed, unreachable, or open
  tables/closure.csv      the proof of each closed tier: each of its endpoints in exactly one place
  tables/boots.csv        the reboots that were confirmed, each by a new boot id
  tables/validations.csv  the checks after installs and reboots, with what was seen
  tables/approvals.csv    engineers' decisions for updates, by whom, when and why
  tables/exceptions.csv   exceptions from patching, who signed them for the client, and when they lapse; what the
                          RMM keeps from patching (Do Not Patch, say) is in tables/endpoints.csv: excluded, and why
  tables/failures.csv     what failed, and its documented root cause
  tables/tickets.csv      what was put on which service ticket, and when
  account.json            all of the tables, and more, for machines
  policy.json             {policy}
  oscal/                  the same as OSCAL assessment results, with plan and catalog
  events.jsonl            the events of the ledger that all of this is made of, one a line
  chain.txt, checkpoints.jsonl, keys.jsonl
                          what the chain of these events is recomputed from
  manifest.json, manifest.sig
                          the SHA-256 of every file, and the signature under it

HOW TO CHECK IT
  You need this file and the provider's public key, from the provider and not from this package, and no network:
    ansible-playbook -i localhost, msp.patching.verify -e package=THIS.zip -e public_key=PUBLIC.pem
  It recomputes every hash, checks every signature and names the first thing that is not as it was written. An older
  package of the same cycle is as true: look at the instant above, or name a checkpoint that it has to have with
  -e checkpoint=NUMBER:HASH, as the provider's runs print them.
  By hand: sha256sum against manifest.json; manifest.sig is the Ed25519 signature, in base64, of manifest.json:
    base64 -d manifest.sig > signature
    openssl pkeyutl -verify -pubin -inkey PUBLIC.pem -rawin -in manifest.json -sigfile signature
  The ledger is {ledger};
  this package reaches to its event {seq}, whose hash is
  {hash},
  signed with the key {key}.

WHAT IS NOT SHOWN
  Events of other clients stand in chain.txt with the hash of their content: they can be seen to be there and to be
  unaltered, and not be read. Which events are this client's, and which are not, is the provider's word.
"""


def readme(account: Account, checkpoint: Checkpoint, policy: str) -> bytes:
    """`policy` is what `policy.json` is, in a sentence."""
    minute = "%Y-%m-%d %H:%M"
    text = TEXT.format(
        scope=" ".join(visible(str(account.scope), 200).split()),
        start=account.start.strftime(minute),
        end=account.end.strftime(minute),
        at=account.at.strftime(minute),
        final=_until(account),
        policy=policy[:1].lower() + policy[1:],
        ledger=checkpoint.ledger,
        seq=checkpoint.seq,
        hash=checkpoint.hash,
        key=checkpoint.key,
    )
    return text.encode()


def _until(account: Account) -> str:
    """What may still change, of an account that is not final."""
    if account.final:
        return ""
    if account.at < account.end:
        return "; the cycle goes on"
    if account.opened_by is not None and not account.tiers:
        return "; the emergency is over, and what it brought is closed with the month's tiers"
    return "; the cycle is over, and tiers are still open"
