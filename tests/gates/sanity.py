# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.gates.sanity`: ansible-test's sanity tests on a real copy of the tree.

ansible-test wants a folder ``ansible_collections/msp/patching`` outside of any repository: inside one that ignores
the folder it looks at no file and ends green. So faults are planted in the copy: each has to be found, and no other.

The environments that ansible-test makes for its tools are kept under ``.ansible/sanity``: the first run fetches them,
later ones need no network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ansible_test

from .tree import ROOT, copy_to, refuse, tell

GATE = "sanity"
HOME = ROOT / ".ansible" / "sanity"
PLANTED = {
    "plugins/plugin_utils/planted.py": 'import no_such_library\n\nassert no_such_library\nTEXT = "\u2019"  \n',
    "plugins/module_utils/planted.py": "def _(foo): return eval(foo)\n",
    "playbooks/planted.yml": "a: {b: 1, b: 2}\n",
}
"""Files, each with faults ..."""
PLANTED_MODULE = {"plugins/modules/planted.py": "# GNU General Public License v3.0+\nDOCUMENTATION = ''\n"}
"""... and one that no document can be made of, for the test of modules alone, ..."""
FINDS = {
    "import": "plugins/plugin_utils/planted.py:1:0: traceback: ModuleNotFoundError",
    "no-assert": "plugins/plugin_utils/planted.py:3:1: raise AssertionError",
    "no-smart-quotes": "plugins/plugin_utils/planted.py:4:9: use ASCII quotes",
    "pep8": "plugins/plugin_utils/planted.py:4:11: W291",
    "pylint": "plugins/module_utils/planted.py:1:6: disallowed-name",
    "validate-modules": "plugins/modules/planted.py:0:0: missing-documentation",
    "yamllint": "playbooks/planted.yml:1:11: key-duplicates",
}
"""... and what each test has to say of them."""
NO_FAULTS = {
    # pylint, at three of many `raise ... from exc` in an `except ... as exc`, as what it looks at together has it
    r"plugins/plugin_utils/(ledger/lanes|ledger/verifying|packages/seal)\.py:\d+:\d+: bad-exception-cause: ",
    # a column of the register
    r"plugins/modules/exceptions\.py:0:0: bad-return-value-key: Return value key 'update' ",
}
"""What newer versions say that is no fault of ours; any other finding is one."""
WITHOUT = {
    "pwsh": "pslint, and validate-modules for the modules in PowerShell (their grammar and options are unit tests)",
    "shellcheck": "shellcheck",
}
"""Tests that are left out, and said to be, where a program is missing."""


def prepare_pip() -> None:
    """ansible-test would fetch pip's installer from its makers' server; Python has one."""
    source = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"
    pinned = re.findall(r"\bpip='([\d.]+)'", source.read_text(encoding="utf-8"))
    if not pinned:
        refuse(GATE, f"which pip ansible-test wants is not where it was: see {source}")
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in pinned:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text("import ensurepip\nensurepip.bootstrap()\n")


def plant(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)


def sanity(folder: Path, *words: str) -> list[str]:
    """What ansible-test finds in the copy, a line each; its own words go to the log."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    how = ["--local", "--python", python, "--lint", "--failure-ok", "--color", "no"]
    with log().open("ab") as kept:
        done = subprocess.run(
            ["ansible-test", "sanity", *how, *words],
            cwd=folder,
            env={**environment, "HOME": str(HOME)},
            stdout=subprocess.PIPE,
            stderr=kept,
            check=False,
        )
    if done.returncode:
        refuse(GATE, f"ansible-test could not be run: it ended with {done.returncode}", log().read_text())
    return done.stdout.decode().splitlines()


def log() -> Path:
    return ROOT / "build" / "sanity.log"


def main() -> None:
    began = time.monotonic()
    log().parent.mkdir(exist_ok=True)
    log().unlink(missing_ok=True)
    prepare_pip()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "ansible_collections" / "msp" / "patching"
        # the tests are in no release, the lab is on no node; ruff and mypy look at both more closely than ansible-test
        names = copy_to(folder, without=("tests", "lab"))
        plant(folder, PLANTED)
        found = sanity(folder, "--skip-test", "validate-modules")
        plant(folder, PLANTED_MODULE)
        modules = sorted(str(path.relative_to(folder)) for path in (folder / "plugins" / "modules").glob("*.py"))
        found += sanity(folder, "--test", "validate-modules", *modules)
    for program, tests in WITHOUT.items():
        if not shutil.which(program):
            tell(GATE, f"NOT TESTED: {tests}: there is no {program} here")
    alarms = [line for line in found if any(re.match(pattern, line) for pattern in NO_FAULTS)]
    found = [line for line in found if line not in alarms]
    wrong = [line for line in found if not line.startswith((*PLANTED, *PLANTED_MODULE))]
    if wrong:
        refuse(GATE, *wrong)
    blind = [test for test, line in FINDS.items() if not any(one.startswith(line) for one in found)]
    if blind:
        refuse(GATE, f"tested nothing: the faults planted for {', '.join(blind)} were not found", *found)
    ran = len(re.findall(r"^Running sanity test", log().read_text(), re.MULTILINE))
    took = f"{time.monotonic() - began:.0f} s"
    for line in alarms:
        tell(GATE, f"taken for no fault: {line}")
    tell(GATE, f"{ran} tests over {len(names)} files found the {len(found)} planted faults and no other, in {took}")


if __name__ == "__main__":
    main()
