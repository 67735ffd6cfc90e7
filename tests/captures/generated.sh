#!/bin/bash
# Captures of the traffic builder with varied options, read by Earshot and compared with their truth.
#   tests/captures/generated.sh [COUNT [FIRST]]    COUNT captures (200) from number FIRST (1)
# EARSHOT and TRAFFIC name the two programs; by default those of build/dev. Capture number N is the
# same on every machine; its options are printed when something differs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
earshot=${EARSHOT:-$root/build/dev/earshot}
traffic=${TRAFFIC:-$root/build/dev/tests/support/build/earshot-traffic}
count=${1:-200}
first=${2:-1}
for program in "$earshot" "$traffic"; do
  [ -x "$program" ] || { echo "generated.sh: $program is not there; build it first" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one_of() { local list=("$@"); REPLY=${list[RANDOM % $#]}; }
# perhaps PERCENT OPTION...: sometimes adds an option
perhaps() { local pct=$1; shift; if [ $((RANDOM % 100)) -lt "$pct" ]; then options+=("$@"); fi; }

draw_network() {
  one_of 0 0.5 1 3 10 25; options+=(--loss "$REPLY")
  one_of 1 1 2 3 8; options+=(--burst "$REPLY")
  one_of 0 1 5 15 40; options+=(--jitter "$REPLY")
  one_of 0 0 0.5 3; options+=(--reorder "$REPLY")
  one_of 0 0 1 5; options+=(--duplicate "$REPLY")
  one_of spurts spurts all none; options+=(--marker "$REPLY")
  perhaps 50 --rtcp
  perhaps 25 --wrap
  perhaps 20 --dtx
  perhaps 20 --dtmf
  perhaps 25 --ipv6
  if [ $((RANDOM % 4)) = 0 ]; then one_of --restart --ssrc-change; options+=("$REPLY"); fi
}

draw_codec() {
  one_of PCMU PCMU PCMA PCMA L16 G722 GSM G729 opus
  options+=(--codec "$REPLY")
  case $REPLY in
    GSM | opus) one_of 20 20 40 60 ;;
    L16) one_of 10 20 40 ;; # 60 ms are 960 bytes: they fit as well, but few send them
    *) one_of 10 20 20 20 30 40 60 ;;
  esac
  options+=(--ptime "$REPLY")
}

draw_signalling() {
  one_of mix mix answered answered answered; options+=(--outcomes "$REPLY")
  perhaps 25 --auth
  perhaps 20 --hold
  perhaps 15 --big-invite
  perhaps 20 --no-bye 50
  if [ $((RANDOM % 3)) = 0 ]; then one_of --early --late-offer; options+=("$REPLY"); fi
}

draw() {
  RANDOM=$1
  options=(--seed "$1" --calls $((RANDOM % 4 + 1)) --concurrent $((RANDOM % 4 + 1))
    --duration $((RANDOM % 16 + 5)))
  draw_network
  draw_codec
  one_of ethernet ethernet ethernet ethernet sll sll2 raw null
  options+=(--link "$REPLY")
  [ "$REPLY" = ethernet ] && perhaps 40 --vlan 50
  one_of pcap pcap-ns; options+=(--format "$REPLY")
  if [ $((RANDOM % 10)) = 0 ]; then
    options+=(--media-only)
  else
    draw_signalling
    perhaps 5 --sip-only
  fi
}

# one NUMBER FOLDER: a word when it is not well.
one() {
  local n=$1 c=$2 code
  draw "$n"
  if ! "$traffic" "${options[@]}" --out "$c.pcap" --truth "$c.json"; then
    echo "#$n: no capture from: ${options[*]}"; echo failed >>"$c.bad"; return
  fi
  "$earshot" read --json --quiet "$c.pcap" >"$c.jsonl" 2>"$c.err"
  code=$?
  if [ $code != 0 ]; then
    echo "#$n: exit code $code from: earshot-traffic ${options[*]}"; head -5 "$c.err"; echo failed >>"$c.bad"
  elif ! python3 "$here/compare_truth.py" "$c.json" "$c.jsonl" "#$n"; then
    echo "#$n: earshot-traffic ${options[*]}"; echo different >>"$c.bad"
  fi
}

# As many at a time as there are cores.
lanes=$(nproc)
for ((lane = 0; lane < lanes; lane++)); do
  for ((n = first + lane; n < first + count; n += lanes)); do one "$n" "$work/$lane"; done &
done
wait
different=$(cat "$work"/*.bad 2>/dev/null | grep -c different || true)
failed=$(cat "$work"/*.bad 2>/dev/null | grep -c failed || true)
echo "$count generated captures: $((count - different - failed)) equal their truth, $different differ, $failed failed"
[ $((different + failed)) = 0 ]
