# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that the ledger and the evidence packages are signed with: Ed25519 (RFC 8032).

``keys`` makes, reads and checks them. Which of them a verifier has reason to trust stands on a ledger and is read by
its ``keyring``; a run's way to the one it signs with is ``signer`` of the evidence.
"""
