# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WS-Management envelopes: reads what pywinrm sends, writes what pywinrm looks at."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"

OPERATION_TIMEOUT = 2150858793
INVALID_SELECTORS = 2150858843
INVALID_REQUEST = 2150858752


class SoapError(ValueError):
    """An envelope that is not well formed, not safe, or not what this lab answers."""


@dataclass
class Request:
    """What an envelope asks for. `action` is the last part of its URI: Create, Command, Send, …"""

    action: str
    message_id: str
    shell_id: str = ""
    command_id: str = ""
    command_line: str = ""
    reads_stdin: bool = True
    stdin: bytes = b""
    end_of_stdin: bool = False
    timeout_seconds: float = 20.0


def parse(body: bytes) -> Request:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SoapError("the envelope is not UTF-8") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SoapError("the envelope has a DOCTYPE, which SOAP forbids")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no DOCTYPE, so no entity to expand
    except ET.ParseError as error:
        raise SoapError(f"the envelope is no XML: {error}") from error
    header, content = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    action = "" if header is None else header.findtext(f"{{{ADDRESSING}}}Action", "")
    if header is None or content is None or not action:
        raise SoapError("the envelope lacks a Header with an Action, or a Body")
    request = Request(
        action=action.rpartition("/")[2],
        message_id=header.findtext(f"{{{ADDRESSING}}}MessageID", ""),
        timeout_seconds=_duration(header.findtext(f"{{{WSMAN}}}OperationTimeout", "PT20S")),
    )
    for selector in header.iter(f"{{{WSMAN}}}Selector"):
        if selector.get("Name") == "ShellId":
            request.shell_id = (selector.text or "").strip()
    for option in header.iter(f"{{{WSMAN}}}Option"):
        if option.get("Name") == "WINRS_CONSOLEMODE_STDIN":
            request.reads_stdin = (option.text or "").strip().upper() != "TRUE"
    _read_body(request, content)
    return request


def _read_body(request: Request, content: ET.Element) -> None:
    if request.action == "Command":
        line = content.find(f"{{{SHELL}}}CommandLine")
        parts = [] if line is None else [part.text or "" for part in line]
        request.command_line = " ".join(parts)
    elif request.action == "Send":
        for piece in content.iter(f"{{{SHELL}}}Stream"):
            request.command_id = piece.get("CommandId", "")
            request.stdin += base64.b64decode(piece.text or "")
            request.end_of_stdin = piece.get("End", "").lower() == "true"
    elif request.action == "Receive":
        stream = content.find(f"{{{SHELL}}}Receive/{{{SHELL}}}DesiredStream")
        request.command_id = "" if stream is None else stream.get("CommandId", "")
    elif request.action == "Signal":
        signal = content.find(f"{{{SHELL}}}Signal")
        request.command_id = "" if signal is None else signal.get("CommandId", "")


def _duration(text: str) -> float:
    """`PT20S` -> 20.0; anything stranger counts as the usual 20."""
    try:
        return float(text.strip().removeprefix("PT").removesuffix("S"))
    except ValueError:
        return 20.0


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}">'
        f"<s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def created(relates_to: str, shell_id: str) -> bytes:
    return _envelope(
        f"{TRANSFER}/CreateResponse",
        relates_to,
        f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId></rsp:Shell><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>',
    )


def command_started(relates_to: str, command_id: str) -> bytes:
    body = f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
    return _envelope(f"{SHELL}/CommandResponse", relates_to, body)


def done(relates_to: str, action: str) -> bytes:
    return _envelope(f"{SHELL}/{action}Response", relates_to, "")


def received(relates_to: str, command_id: str, stdout: bytes, stderr: bytes, exit_code: int) -> bytes:
    streams = "".join(
        f'<rsp:Stream Name="{name}" CommandId="{command_id}">{base64.b64encode(data).decode()}</rsp:Stream>'
        for name, data in (("stdout", stdout), ("stderr", stderr))
        if data
    )
    state = (
        f'<rsp:CommandState CommandId="{command_id}" State="{SHELL}/CommandState/Done">'
        f"<rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>"
    )
    body = f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"
    return _envelope(f"{SHELL}/ReceiveResponse", relates_to, body)


def fault(relates_to: str, code: int, subcode: str, reason: str) -> bytes:
    return _envelope(
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        relates_to,
        f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(reason)}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault xmlns:f="{FAULT}" Code="{code}" Machine="lab"><f:Message>{escape(reason)}'
        "</f:Message></f:WSManFault></s:Detail></s:Fault>",
    )
