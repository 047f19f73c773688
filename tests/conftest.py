"""Makes the checkout importable as ansible_collections.msp.patching, as ansible itself does it."""

from __future__ import annotations


def pytest_configure() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([])
