# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel of attachments: files on a PSA ticket, the same to the byte.

`attach` is for whoever has made a file, such as the compliance report and its picture::

    attach(recorder, compliance.xref_of("2026-11", "Acme Dental"), [
        Attachment("report-2026-11-acme-dental.pdf", "Patch compliance 2026-11", pdf, "application/pdf"),
        Attachment("report-2026-11-acme-dental.png", "Patch compliance 2026-11 (picture)", png, "image/png"),
    ])

The bytes wait in the ledger's database, not in a file: AWX deletes a job's folder after the job, and the PSA may be
down for longer than that. Once they are on the ticket, and read back with the same SHA-256, they are dropped there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..ledger import Event
from ..ledger.deliveries import Pending, numbers, wanted_ids
from ..psa.client import PsaClient, PsaRefusedError
from .channel import Budget, Channel, Told

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder
    from .tickets import TicketChannel

DOCUMENTS = "system/documents"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file for a ticket: its name and title there, its bytes, their media type."""

    file_name: str
    title: str
    content: bytes
    media_type: str = "application/octet-stream"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def attach(recorder: Recorder, xref: str, attachments: Iterable[Attachment]) -> int:
    """Want `attachments` on the ticket of `xref` (which may be still to be sent); gives how many are new.

    The same bytes under the same name are wanted once, however often this is called; other bytes are another
    attachment, and the earlier one stays. Nothing happens in check mode. Raises LedgerError.
    """
    if recorder.check_mode:
        return 0
    there = wanted_ids(recorder.ledger, "attachment")
    now, events = recorder.clock.now(), []
    for one in attachments:
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/attachment/{xref}/{one.file_name}/{one.sha256}"))
        if key in there:
            continue
        recorder.ledger.keep_blob(one.sha256, one.content)
        body = {"id": key, "xref": xref, "title": one.title, "file_name": one.file_name, "media_type": one.media_type}
        events.append(Event("attachment.wanted", None, now, body | {"sha256": one.sha256, "size": len(one.content)}))
    recorder.append(recorder.ledger, events)
    return len(events)


class AttachmentChannel(Channel):
    """Uploads to the PSA's documents. It shares the tickets' client, and with it their pace."""

    name = "attachment"
    things = "attachment(s)"

    def __init__(self, recorder: Recorder, tickets: TicketChannel) -> None:
        self._recorder = recorder
        self._tickets = tickets

    @property
    def missing(self) -> str | None:
        return self._tickets.missing

    def deliver(self, pending: Sequence[Pending], budget: Budget) -> Iterator[Told]:
        """What a ticket is still missing for waits: whatever keeps the ticket is told by the tickets' channel."""
        self._tickets.within(budget)
        known = numbers(self._recorder.ledger, (one.body["xref"] for one in pending))
        for one in pending:
            body = one.body
            if body["xref"] not in known:
                continue
            content = self._recorder.ledger.blob(body["sha256"])
            if content is None:
                yield f"attachment {body['file_name']} for {body['xref']}: its bytes are not in the ledger any more"
                continue
            if hashlib.sha256(content).hexdigest() != body["sha256"]:
                yield (
                    f"attachment {body['file_name']} for {body['xref']}: other bytes were put in its place behind the "
                    "ledger's back, and are not sent; make it anew with msp.patching.report"
                )
                continue
            try:
                document = bring(self._tickets.client, known[body["xref"]], body, content)
            except PsaRefusedError as exc:
                yield f"attachment {body['file_name']} of ticket #{known[body['xref']]}: {exc}"
                continue
            told = {key: body[key] for key in ("id", "xref", "sha256")}
            now = self._recorder.clock.now()
            yield [Event("attachment.sent", None, now, told | {"ticket": known[body["xref"]], "document": document})]
            if all(other.body["sha256"] != body["sha256"] or other is one for other in pending):
                self._recorder.ledger.drop_blob(body["sha256"])


def bring(client: PsaClient, ticket: int, body: Mapping[str, Any], content: bytes) -> int:
    """The id of the document of a ticket that holds exactly `content`; uploaded unless it is there already.

    Raises PsaRefusedError where it reads back as something else; then the PSA's copy is deleted again.
    """
    for document in client.all(DOCUMENTS, recordType="Ticket", recordId=ticket):
        if document.get("fileName") == body["file_name"] and _holds(client, document, body["sha256"]):
            return int(document["id"])
    form = {"recordType": "Ticket", "recordId": str(ticket), "title": body["title"]}
    document = client.upload(DOCUMENTS, form, (body["file_name"], content, body["media_type"]))
    if not _holds(client, document, body["sha256"]):
        client.delete(f"{DOCUMENTS}/{document['id']}")
        raise PsaRefusedError("the PSA has stored other bytes than it was sent; they are deleted there again")
    return int(document["id"])


def _holds(client: PsaClient, document: Mapping[str, Any], sha256: str) -> bool:
    return hashlib.sha256(client.download(f"{DOCUMENTS}/{document['id']}/download")).hexdigest() == sha256
