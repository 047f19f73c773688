# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with ConnectWise Automate::

PatchingError
└── AutomateError                 anything below
    ├── OptionError               an option's value cannot be used; names the option
    ├── UnreachableError          no answer: refused, cut, timed out, TLS not trusted
    ├── LoginError                the account or the ClientId is refused
    │   └── TwoFactorError        the account needs a passcode, which a program cannot give
    ├── VisibilityError           the user class hides what other records refer to
    ├── IncompleteListError       the pages of a list do not add up to its total
    └── AnswerError               an answer that is an error, or is not what the API promises
        └── AbsentError           there is no such record, or no such path
"""

from __future__ import annotations

from ..errors import PatchingError


class AutomateError(PatchingError):
    """The base of every error of this package."""


class OptionError(AutomateError):
    """An option of the inventory source cannot be used."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"option {option}: {problem}")
        self.option = option


class UnreachableError(AutomateError):
    """The server gave no usable answer, also after the retries."""


class LoginError(AutomateError):
    """The server refuses the account, the token or the ClientId."""


class TwoFactorError(LoginError):
    """The account is asked for a second factor; the server says so with status 200 and no token."""


class VisibilityError(AutomateError):
    """A list is empty, or the server answers 403, because the user class lacks a permission."""


class IncompleteListError(AutomateError):
    """A list came back short, long or with doubles, and did so again when it was read once more."""


class AnswerError(AutomateError):
    """The server answered with an error or with something that is not the promised shape."""


class AbsentError(AnswerError):
    """Status 404."""
