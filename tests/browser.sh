#!/usr/bin/env bash
# The report's page in a real browser. Debian's own Chromium is taken, none is downloaded; where there is none, that is
# said aloud, and nothing is tested.
set -euo pipefail
cd "$(dirname "$0")/.."
for name in ${CHROMIUM:-} chromium chromium-browser google-chrome-stable google-chrome; do
  if command -v "$name" > /dev/null; then found=$name; fi
done
if [ -z "${found:-}" ]; then
  echo "browser: NOT TESTED in a browser: there is no Chromium here (on Debian, apt-get install chromium)"
  exit 0
fi
echo "browser: $("$found" --version 2> /dev/null)"
exec python -m pytest -q tests/browser
