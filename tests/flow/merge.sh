#!/usr/bin/env bash
# H13: signalling and media from different taps, as several files, give what one file gives: in any order, compressed, rotated
# into many, through a pipe, with a clock that differs. Counter-case: with that difference left uncorrected they do not.
set -eu
earshot=$(realpath "$1")
traffic=$(dirname "$earshot")/tests/support/build/earshot-traffic
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
bad=0

"$traffic" --calls 6 --concurrent 3 --duration 5 --codec PCMA --rtcp --loss 1 --seed 3 --start 1700000000 --out all.pcap --truth truth.json
tshark -r all.pcap -Y sip -w sip.pcap -F pcap 2>/dev/null
tshark -r all.pcap -Y '!sip' -w media.pcapng 2>/dev/null
editcap -t 1.5 media.pcapng late.pcapng
gzip -k media.pcapng late.pcapng
editcap -c 100 all.pcap part.pcap
mkdir parts
mv part_*.pcap parts/

records() { "$earshot" read --json --quiet "$@" | sort; }
records all.pcap > expected
[ "$(wc -l < expected)" = 6 ] || { echo "expected 6 calls"; exit 1; }

# same NAME ARGUMENT...
same() {
  local name=$1
  shift
  records "$@" > got || { echo "$name: exit $?"; bad=1; }
  cmp -s expected got || { echo "$name: the records differ"; diff expected got | head -5 | cut -c1-300; bad=1; }
}

same "two files"         sip.pcap media.pcapng
same "the other order"   media.pcapng sip.pcap
same "compressed"        media.pcapng.gz sip.pcap
same "a corrected clock" --offset late.pcapng=-1.5 sip.pcap late.pcapng
same "rotated"           parts
same "with workers"      --workers 2 sip.pcap media.pcapng
same "a pipe"            sip.pcap - < media.pcapng
cat media.pcapng.gz | same "a compressed pipe" - sip.pcap

records sip.pcap late.pcapng > got
! cmp -s expected got || { echo "a clock that is 1.5 s ahead makes no difference"; bad=1; }
records media.pcapng > got
! cmp -s expected got || { echo "media alone makes no difference"; bad=1; }
exit $bad
