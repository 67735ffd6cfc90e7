#!/usr/bin/env bash
# kill -9 in the middle of many live calls, again and again; after each restart the database is whole, the calls end as `restart`, and
# every recording reaches to at most one second before the last packet that was on the wire.
#
#   tests/faults/kill.sh [--smoke] EARSHOT      full: 20 moments in 200 calls; --smoke: 3 moments in 40 calls
set -eu
rounds=20
calls=200
if [ "$1" = --smoke ]; then rounds=3; calls=40; shift; fi
earshot=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/kill.py" "$earshot" "$(dirname "$earshot")/tests/support/build/earshot-traffic" $rounds $calls
