#!/usr/bin/env bash
# The page in Debian's Chromium: tests/browser/run.sh EARSHOT TRAFFIC [--smoke] [--shots DIR] [--only PATTERN]. What it needs of npm is kept in build/browser.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../build/browser
for tool in npm node "${CHROMIUM:-chromium}"; do
  command -v "$tool" >/dev/null || { echo "tests/browser: $tool is not there"; exit 1; }
done
mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/package-lock.json" || [ ! -d "$work/node_modules" ]; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { cat "$work/npm.log"; exit 1; }
fi
EARSHOT_BROWSER_MODULES=$(cd "$work" && pwd)/node_modules exec node "$here/run.mjs" "$@"
