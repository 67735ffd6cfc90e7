#!/usr/bin/env bash
# The main job end to end, from a file: calls recorded and served. ffprobe opens every recording, tshark every exported pcap with as many
# packets as were seen, promtool finds nothing to say, and SIGTERM ends it with everything committed.
set -eu
earshot=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
traffic=$(dirname "$earshot")/tests/support/build/earshot-traffic
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill $pid 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$*"; sed 's/^/    /' "$work/log"; exit 1; }

start=$(($(date +%s) - 120))
"$traffic" --calls 6 --concurrent 3 --duration 12 --codec PCMA --rtcp --loss 1 --seed 3 --start $start \
  --out "$work/calls.pcap" --truth "$work/truth.json"
"$earshot" run --read "$work/calls.pcap" --data "$work/data" --port 0 --record > "$work/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  url=$(sed -n 's/.*look at \(http[^ ]*\)\/$/\1/p' "$work/log")
  [ -z "$url" ] || break
  sleep 0.1
done
[ -n "$url" ] || fail "the service did not start"

ask() { curl -sS --fail-with-body "$url$1"; }
calls=
for _ in $(seq 100); do
  calls=$(ask "/api/v1/calls?limit=100")
  [ "$(jq '[.data[] | select(.recording.state == "ready")] | length' <<<"$calls")" = 6 ] && break
  sleep 0.2
done
[ "$(jq '.data | length' <<<"$calls")" = 6 ] || fail "expected 6 calls: $(jq -c '.data | length' <<<"$calls")"
[ "$(jq '[.data[] | select(.recording.state == "ready")] | length' <<<"$calls")" = 6 ] || fail "not all recordings are ready: $(jq -c '[.data[].recording]' <<<"$calls")"

while read -r uid id; do
  ask "/api/v1/recordings/$id/audio" > "$work/a.wav"
  ffprobe -v error -show_entries stream=channels,sample_rate,codec_name -of csv=p=0 "$work/a.wav" | grep -q '^pcm_s16le,8000,2' ||
    fail "ffprobe does not open recording $id"
  sum=$(sha256sum < "$work/a.wav" | cut -d' ' -f1)
  [ "$sum" = "$(ask "/api/v1/recordings/$id" | jq -r '.sha256 // .recording.sha256')" ] || fail "the hash of $id differs"
  ask "/api/v1/calls/$uid/pcap" > "$work/c.pcap"
  got=$(tshark -r "$work/c.pcap" 2>/dev/null | wc -l)
  rtp=$(tshark -r "$work/c.pcap" -q -z rtp,streams -o rtp.heuristic_rtp:TRUE 2>/dev/null | grep -c '0x' || true)
  record=$(ask "/api/v1/calls/$uid")
  packets=$(jq '[.streams[].packets] | add' <<<"$record")
  messages=$(ask "/api/v1/calls/$uid/messages?raw=false" | jq '.data | length')
  sip=$(tshark -r "$work/c.pcap" -Y sip 2>/dev/null | wc -l)
  media=$(tshark -r "$work/c.pcap" -Y 'udp && !sip && !rtcp' 2>/dev/null | wc -l)
  [ "$sip" = "$messages" ] || fail "call $uid: $messages messages, $sip in the pcap"
  [ "$media" = "$packets" ] || fail "call $uid: $packets RTP packets, $media in the pcap of $got"
  [ "$rtp" = 2 ] || fail "call $uid: tshark sees $rtp streams in the pcap"
done < <(jq -r '.data[] | "\(.uid) \(.recording.id)"' <<<"$calls")

ask /metrics > "$work/metrics"
promtool check metrics < "$work/metrics" > "$work/lint" 2>&1 || fail "promtool: $(cat "$work/lint")"
[ ! -s "$work/lint" ] || fail "promtool: $(cat "$work/lint")"
grep -q '^earshot_call_attempts_total{trunk="none",direction="unknown"} 6$' "$work/metrics" || fail "metrics do not count 6 attempts"
ask /healthz > /dev/null
ask / | grep -qi '<title>' || fail "no page"

# Offline says the same of these calls as the service does.
"$earshot" read --json "$work/calls.pcap" 2>/dev/null | jq -c '[.call_id,.outcome,.sip_code,.duration_ms,[.streams[]|[.packets,.lost,.mos.lq]]]' | sort > "$work/offline"
for uid in $(jq -r '.data[].uid' <<<"$calls"); do ask "/api/v1/calls/$uid"; echo; done |
  jq -c '[.call_id,.outcome,.sip_code,.duration_ms,[.streams[]|[.packets,.lost,.mos.lq]]]' | sort > "$work/served"
diff "$work/offline" "$work/served" || fail "offline and service differ"

kill -TERM $pid
wait $pid || fail "SIGTERM did not end it cleanly"
pid=
for db in "$work"/data/db/*.db; do
  [ "$(sqlite3 "$db" 'pragma integrity_check')" = ok ] || fail "$db is damaged"
done
