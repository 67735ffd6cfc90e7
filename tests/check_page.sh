#!/usr/bin/env bash
# web/dist is what web/src builds to, byte for byte; the types hold, the page's own tests pass, and nothing in it makes markup from text.
# Needs npm; its packages are kept in build/web.
set -eu
cd "$(dirname "$0")/.."
if grep -rnE 'innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|eval\(|new Function' web/src; then
  echo "the page shows text as text, never as markup"
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "npm is not there: dist is not compared"
  exit 0
fi
work=build/web
mkdir -p "$work"
if ! cmp -s web/package-lock.json "$work/package-lock.json" || [ ! -d "$work/node_modules" ]; then
  cp web/package.json web/package-lock.json "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { cat "$work/npm.log"; exit 1; }
fi
rm -rf "$work/src" "$work/tests" "$work/page"
cp -r web/src web/tests web/build.mjs web/tsconfig.json web/package.json "$work/"
cd "$work"
node_modules/.bin/tsc --noEmit
node build.mjs --tests
node --test out/tests/*.mjs >test.log 2>&1 || { grep -B2 -A20 '^not ok' test.log; exit 1; }
node build.mjs --out page
diff -r page ../../web/dist || { echo "web/dist is not what web/src builds to: (cd web && npm ci && npm run build)"; exit 1; }
first=$(cat page/index.html page/assets/main-*.js page/assets/chunk-*.js page/assets/main-*.css | gzip -9 | wc -c)
[ "$first" -lt 100000 ] || { echo "the first paint takes $first bytes, more than 100 kB"; exit 1; }
echo "the first paint takes $first bytes; $(grep -c '^ok' test.log) tests"
