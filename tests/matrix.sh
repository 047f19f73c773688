#!/usr/bin/env bash
# The collection promises ansible-core from 2.19 (the last for Python 3.11) to the newest (which asks for 3.12 or newer).
# `make test` runs on one end of that, by the Python it has. Where a Python for the other end is there, this makes an
# environment with it and runs on it what would break first: the filters, every playbook and document as Ansible reads
# them, everyday modules on the lab, the evidence callback, a night of the ring. Where none is there, it says so. With the
# word `environment` it makes that and ends.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=(
  tests/unit/filter/test_filters.py
  tests/unit/filter/test_acceptance_walk.py
  tests/unit/collection/test_documentation.py
  tests/unit/collection/test_playbooks.py
  tests/integration/test_lab_winrm.py::test_modules_of_everyday
  tests/integration/test_lab_winrm.py::test_updates_as_a_job_and_a_reboot
  tests/integration/test_ring_redundancy.py::test_the_second_waits_until_the_first_is_validated
)

is() { # a version manager's shim may be there and lead nowhere, so it has to run
  "$1" -c "import ensurepip, sqlite3, ssl, sys, venv; sys.exit(not sys.version_info[:2] $2)" > /dev/null 2>&1
}

pythons() { # each Python 3.$1 on the PATH and where Debian, pyenv and uv put theirs, whatever HOME is just now
  local home
  for home in "$HOME" "$(getent passwd "$(id -u)" | cut -d: -f6)"; do
    printf '%s\n' "${PYENV_ROOT:-$home/.pyenv}/versions/3.$1"*/bin/python
    printf '%s\n' "${UV_PYTHON_INSTALL_DIR:-$home/.local/share/uv/python}/cpython-3.$1"*/bin/python
  done
  type -ap "python3.$1" "/usr/local/bin/python3.$1" "/usr/bin/python3.$1" || true
}

if is "${PYTHON:-python}" '>= (3, 12)'; then
  name=oldest wanted='== (3, 11)' what='ansible-core 2.19: no Python 3.11 was found here' minors=(11)
else
  name=newest wanted='>= (3, 12)' what='the newest ansible-core: no Python 3.12 or newer was found here' minors=(12 13 14)
fi
for minor in "${minors[@]}"; do # the last that fits
  while IFS= read -r python; do
    if is "$python" "$wanted"; then found=$python; fi
  done < <(pythons "$minor")
done
if [ -z "${found:-}" ]; then
  echo "matrix: NOT TESTED on $what; looked on the PATH and where Debian, pyenv and uv put theirs"
  exit 0
fi
environment=.venv-$name stamp=.venv-$name/.made
if [ ! -e "$stamp" ] || [ requirements.txt -nt "$stamp" ] || [ lab/requirements.txt -nt "$stamp" ] ||
  [ tests/requirements.txt -nt "$stamp" ] || [ tests/matrix.sh -nt "$stamp" ]; then
  echo "matrix: making $environment with $("$found" -V)"
  "$found" -m venv --clear "$environment"
  grep -E '^(ansible|hypothesis|pytest|pytest-xdist)[=>]' tests/requirements.txt > "$environment/tests.txt"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip || true # an old one is slow
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    -r requirements.txt -r lab/requirements.txt -r "$environment/tests.txt"
  touch "$stamp"
fi
if [ "${1:-}" = environment ]; then exit 0; fi
echo "matrix: here $(python -V) and $(ansible --version | sed -n 1p)"
PATH=$PWD/$environment/bin:$PATH
echo "matrix: there $(python -V) and $(ansible --version | sed -n 1p)"
exec python -m pytest -q -n 2 "${tests[@]}"
