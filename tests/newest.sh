#!/usr/bin/env bash
# The newest ansible-core asks for a newer Python than Debian's. Where one is there, this makes an environment with it
# and runs on it what would break first: everyday modules on the lab, the evidence callback, a night of the ring.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv-newest
stamp=$environment/.made
tests=(
  tests/integration/test_lab_winrm.py::test_modules_of_everyday
  tests/integration/test_lab_winrm.py::test_updates_as_a_job_and_a_reboot
  tests/integration/test_ring_redundancy.py::test_the_second_waits_until_the_first_is_validated
)

fits() { # a version manager's shim may be there and lead nowhere, so it has to run
  "$1" -c 'import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 12))' > /dev/null 2>&1
}

if fits python; then
  echo "newest: $(python -V) of this environment has the newest ansible-core already; nothing to add"
  exit 0
fi
for python in python3.13 python3.12 ~/.pyenv/versions/3.1[23]*/bin/python; do
  if fits "$python"; then found=$python; fi
done
if [ -z "${found:-}" ]; then
  echo "newest: NOT TESTED on the newest ansible-core: there is no Python 3.12 or newer here"
  exit 0
fi
if [ ! -e "$stamp" ] || [ requirements.txt -nt "$stamp" ] || [ lab/requirements.txt -nt "$stamp" ] ||
  [ tests/requirements.txt -nt "$stamp" ]; then
  echo "newest: making $environment with $("$found" -V)"
  "$found" -m venv --clear "$environment"
  grep -E '^(ansible|pytest|pytest-xdist)[=>]' tests/requirements.txt > "$environment/tests.txt"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    -r requirements.txt -r lab/requirements.txt -r "$environment/tests.txt"
  touch "$stamp"
fi
PATH=$PWD/$environment/bin:$PATH
echo "newest: $(ansible --version | head -1)"
exec python -m pytest -q -n 2 "${tests[@]}"
