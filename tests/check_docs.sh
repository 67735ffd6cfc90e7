#!/usr/bin/env bash
# docs/settings.md, docs/metrics.md, docs/findings.md, docs/diagnosis.md and packaging/earshot.conf are what the tables say; every
# source file stands in the guide of its room.
set -eu
earshot=$1
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for what in settings metrics findings diagnosis; do
  "$earshot" --document $what > "$work/$what.md"
  diff -u "docs/$what.md" "$work/$what.md" || { echo "docs/$what.md is not what the table says: earshot --document $what > docs/$what.md"; exit 1; }
done
# The API names the same labels.
while read -r label; do
  grep -qE "DiagnosisLabel: .*[[ ]$label[],]" api/openapi.yaml || { echo "api/openapi.yaml: DiagnosisLabel lacks $label"; exit 1; }
done < <(sed -n 's/^LABEL(\([a-z_]*\),.*/\1/p' app/diagnose/labels.def)
while read -r detector; do
  grep -qE "Detector: .*[[ ]$detector[],]" api/openapi.yaml || { echo "api/openapi.yaml: Detector lacks $detector"; exit 1; }
done < <(sed -n 's/^| `[a-z_]*` | \([a-z_]*\) |.*/\1/p' docs/findings.md | sort -u)
"$earshot" --check-config packaging/earshot.conf
# The shipped file names every setting, with its default.
"$earshot" --print-config /dev/null | grep -E '^[a-z_]+ = |^\[' > "$work/defaults"
grep -E '^[a-z_]+ = |^\[' packaging/earshot.conf > "$work/shipped"
diff -u "$work/defaults" "$work/shipped" || { echo "packaging/earshot.conf does not show the defaults"; exit 1; }
# Who reads the guide of a room comes past every file of it (a pair of .c and .h by their common name).
unnamed=0
for guide in base capture capture/* decode storage api app app/*; do
  [ -f "$guide/README.md" ] || continue
  for file in "$guide"/*.[ch] "$guide"/*.def; do
    [ -f "$file" ] || continue
    name=$(basename "${file%.*}")
    grep -qE "(^|[^a-z0-9_])$name([^a-z0-9_]|$)" "$guide/README.md" || { echo "$guide/README.md does not name $(basename "$file")"; unnamed=1; }
  done
done
[ "$unnamed" -eq 0 ]
