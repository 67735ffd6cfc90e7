#!/bin/bash
# Asks every route of the API with curl and says what differs from the promise. http_test.sh SAMPLE_SERVER
set -u
server=$1
for tool in curl jq; do command -v $tool >/dev/null || { echo "needs $tool"; exit 1; }; done

dir=$(mktemp -d)
mkfifo "$dir/stdin"
"$server" "$dir/data" <"$dir/stdin" >"$dir/stdout" 2>"$dir/stderr" &
server_pid=$!
exec 9>"$dir/stdin"
# The end of its input ends the server, so nobody else may hold that open: what runs beside it is started with 9>&-.
stop() {
    exec 9>&-
    ( sleep 60; kill -9 $server_pid ) >/dev/null 2>&1 &
    local watch=$!
    wait $server_pid
    status=$?
    kill $watch 2>/dev/null
    [ $status = 0 ] || head -c 8000 "$dir/stderr"
    rm -rf "$dir"
    return $status
}
trap 'stop' EXIT
for _ in $(seq 200); do grep -q ^PORT "$dir/stdout" && break; sleep 0.05; done
port=$(sed -n 's/^PORT //p' "$dir/stdout")
[ -n "$port" ] || { echo "the server did not start:"; cat "$dir/stderr"; exit 1; }
base=http://127.0.0.1:$port
api=$base/api/v1
call=00000000-0000-8000-8000-000000000000
recording=00000000-1111-8000-8000-000000000000
audio=$api/recordings/$recording/audio
token() { sed -n "s/^TOKEN $1 //p" "$dir/stdout"; }

checks=0 failures=0
ok() { checks=$((checks + 1)); }
fail() { checks=$((checks + 1)); failures=$((failures + 1)); echo "FAILED: $*"; }
# ask CURL-ARGUMENTS: $status, $dir/head, $dir/body
ask() { : >"$dir/body"; status=$(curl -sS --max-time 60 --path-as-is -D "$dir/head" -o "$dir/body" -w '%{http_code}' "$@" 2>"$dir/curl") || status=curl-$?; }
# expect STATUS CURL-ARGUMENTS
expect() { local want=$1; shift; ask "$@"; [ "$status" = "$want" ] && ok || fail "status $status, not $want: $* $(head -c 300 "$dir/body")"; }
# body JQ-EXPRESSION
body() { jq -e "$1" "$dir/body" >/dev/null 2>&1 && ok || fail "$1 does not hold for $(head -c 600 "$dir/body")"; }
header() { grep -qi "^$1" "$dir/head" && ok || fail "no header $1: $(cat "$dir/head")"; }
no_header() { grep -qi "^$1" "$dir/head" && fail "header $1: $(cat "$dir/head")" || ok; }
is() { [ "$1" = "$2" ] && ok || fail "$1 is not $2${3:+ ($3)}"; }
# refused STATUS CODE FIELD|null CURL-ARGUMENTS: a whole problem object
refused() {
    local want=$1 code=$2 field=$3; shift 3
    expect "$want" "$@"
    header 'content-type: application/problem+json'
    body ".status == $want and .code == \"$code\" and .field == $field and (.detail | length > 0) and (.request_id | length == 16)"
}

# ---- every response ----
for path in /api/v1/calls / /metrics /healthz /nothing /api/v1/recordings/$recording/audio; do
    ask "$base$path"
    header 'x-request-id: [0-9a-f]\{16\}'
    header 'x-content-type-options: nosniff'
    header 'cache-control: no-store'
    header 'referrer-policy: no-referrer'
    header "content-security-policy: .*frame-ancestors 'none'"
    no_header 'access-control-allow-origin'
done

# ---- calls ----
expect 200 "$api/calls"
header 'content-type: application/json'
body '(.data | length == 100) and .page.has_more and (.page.next_cursor | length > 50) and (.query.from < .query.to) and (has("total") | not)'
body '.data[0].uid == "'$call'" and .data[0].streams[0].codec == "PCMA" and (.data[0] | has("events") | not)'
body '[.data[].started_at] | . == (sort | reverse)'
expect 200 "$api/calls?limit=1000&count=exact"
body '(.data | length == 250) and (.page.has_more | not) and .page.next_cursor == null and .total == 250'
body '.page.count == {kind: "exact", value: .total}'
expect 200 "$api/calls?limit=1&count=estimate"
body '.page.count.kind == "exact" and .page.count.value > 100 and (has("total") | not)'
expect 200 "$api/recordings?limit=1&count=estimate"
body '.page.count.kind == "exact" and .page.count.value > 0'
refused 400 invalid_value '"count"' "$api/calls?count=about"
expect 200 "$api/calls?outcome=busy&limit=1000&count=exact"
body '.total == 25 and ([.data[].outcome] | unique == ["busy"])'
expect 200 "$api/calls?from_user=1007&from_user=1008"
body '[.data[].from.user] | sort == ["1007","1008"]'
expect 200 "$api/calls?q=call-249%40"
body '.data | length == 1'
expect 200 "$api/calls?q=%27%20OR%201%3D1--"
body '.data | length == 0'
expect 200 "$api/calls?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
body '.data == []'
expect 200 "$api/calls?has_recording=true"
body '.data | length == 3'
cp "$dir/body" "$dir/full"
expect 200 "$api/calls?has_recording=true&view=full"
body '.data[0].streams | length > 0'
# A brief row is a part of the whole one, and a small one.
expect 200 "$api/calls?has_recording=true&view=brief"
jq -e --slurpfile full "$dir/full" 'def part($a; $b): if ($a | type) == "object" then all($a | keys[]; . as $k | ($b | has($k)) and part($a[$k]; $b[$k]))
    elif ($a | type) == "array" then ($a | length) == ($b | length) and all(range($a | length); . as $i | part($a[$i]; $b[$i])) else $a == $b end;
    (.data | length == 3) and part(.data; $full[0].data) and .page == $full[0].page' "$dir/body" >"$dir/part" && ok || fail "a brief row says other things than the whole one"
body '.data[0] | (has("streams") or has("links") or has("media")) | not'
body '[.data[] | .recording.result, .from.user] | all'
[ $(($(wc -c <"$dir/body") * 2)) -lt "$(wc -c <"$dir/full")" ] || fail "a brief list of $(wc -c <"$dir/body") bytes"
refused 400 invalid_value '"view"' "$api/calls?view=short"
refused 400 repeated_parameter '"view"' "$api/calls?view=brief&view=full"
for order in -started_at started_at duration_ms mos_min; do
    seen="" cursor="" pages=0
    while [ $pages -lt 20 ]; do
        expect 200 "$api/calls?order=$order&limit=37${cursor:+&cursor=$cursor}"
        seen="$seen $(jq -r '.data[].uid' "$dir/body" | tr '\n' ' ')"
        pages=$((pages + 1))
        cursor=$(jq -r '.page.next_cursor // ""' "$dir/body")
        [ -n "$cursor" ] || break
    done
    is "$pages" 7 "pages by $order"
    is "$(echo $seen | tr ' ' '\n' | sort -u | wc -l)" 250 "calls by $order"
    is "$(echo $seen | wc -w)" 250 "calls by $order"
done
expect 200 "$api/calls?limit=5"
cursor=$(jq -r .page.next_cursor "$dir/body")
refused 400 invalid_cursor '"cursor"' "$api/calls?limit=5&outcome=busy&cursor=$cursor"
refused 400 invalid_cursor '"cursor"' "$api/calls?limit=5&cursor=${cursor%????}AAAA"
refused 400 unknown_parameter '"sort"' "$api/calls?sort=x"
refused 400 unknown_parameter '"Limit"' "$api/calls?Limit=5"
refused 400 invalid_value '"limit"' "$api/calls?limit=0"
refused 400 invalid_value '"order"' "$api/calls?order=started_at%3Bdrop%20table"
refused 400 invalid_span '"from"' "$api/calls?from=2019-01-01T00:00:00Z"
refused 400 missing_parameter '"scale"' "$api/calls?mos_min__lte=3"
refused 400 invalid_query null "$api/calls?q=%00"
refused 400 invalid_query null "$api/calls?q"

expect 200 "$api/calls/$call"
body '.uid == "'$call'" and .kind == "call" and .outcome == "answered" and .sip_code == 200 and .duration_ms == 400 and .from.display == "<script>alert(1)</script>"'
body '.streams[0] | .ssrc == "0x1a2b3c4d" and .lost == 2 and .loss_ratio == 0.02 and .jitter_ms.avg == null and .rtcp == null'
body '.recording | .state == "ready" and .format == "wav" and .channels == ["caller","callee"] and .url == "/api/v1/recordings/'$recording'/audio"'
body '.events == [] and .links.self == "/api/v1/calls/'$call'" and .q850_cause == null and .ringing_at == null'
etag=$(sed -n 's/^[Ee][Tt]ag: \(.*\)\r/\1/p' "$dir/head")
expect 304 -H "If-None-Match: $etag" "$api/calls/$call"
is "$(stat -c %s "$dir/body")" 0 "body of a 304"
expect 200 -H 'If-None-Match: "other"' "$api/calls/$call"
expect 200 -I "$api/calls/$call"
is "$(stat -c %s "$dir/body")" "$(stat -c %s "$dir/head")" "HEAD gives the head alone"

# packed and tagged: what GET reads as text, and nothing else
tag() { sed -n 's/^[Ee][Tt][Aa][Gg]: \(.*\)\r$/\1/p' "$dir/head"; }
all="$api/calls?limit=1000&from=$(date -u -d -2days +%FT%TZ)&to=$(date -u -d +2days +%FT%TZ)"
expect 200 "$all"
header 'etag: W/"'
header 'vary: accept-encoding'
no_header content-encoding
cp "$dir/body" "$dir/plain"
list=$(tag)
expect 200 -H 'Accept-Encoding: br, gzip;q=0.5' "$all"
header 'content-encoding: gzip'
header 'vary: accept-encoding'
is "$(tag)" "$list" "the tag of what is packed"
[ "$(stat -c %s "$dir/body")" -lt $(($(stat -c %s "$dir/plain") / 3)) ] && ok || fail "packed: $(stat -c %s "$dir/body") bytes"
gzip -dc <"$dir/body" | cmp -s - "$dir/plain" && ok || fail "packed and as it is differ"
for _ in 1 2 3 4 5 6; do ask -H 'Accept-Encoding: gzip' "$all"; stat -c %s "$dir/body"; done >"$dir/sizes"
[ "$(sort -u "$dir/sizes" | wc -l)" -gt 1 ] && ok || fail "its length tells what is in it"
expect 200 -I -H 'Accept-Encoding: gzip' "$all"
header 'content-encoding: gzip'
expect 304 -H 'Accept-Encoding: gzip' -H "If-None-Match: \"x\", $list" "$all"
is "$(stat -c %s "$dir/body")" 0 "body of a 304"
is "$(tag)" "$list" "the tag of a 304"
expect 200 -H "If-None-Match: $list" "$all&outcome=busy"
expect 200 -H 'Accept-Encoding: gzip' "$api/calls/$call"
header 'content-encoding: gzip'
is "$(tag)" "W/$etag" "a strong tag, packed"
expect 304 -H "If-None-Match: $(tag)" "$api/calls/$call"
expect 200 -H 'Accept-Encoding: gzip;q=0' "$api/calls/$call"
is "$(tag)" "$etag" "a strong tag, not packed"
expect 200 -H 'Accept-Encoding: gzip' "$base/metrics"
header 'content-encoding: gzip'
no_header etag
gzip -dc <"$dir/body" | grep -q '^earshot_http_requests_total' && ok || fail "packed figures"
for path in "$api/recordings/$recording/audio" "$api/calls/$call/pcap" "$api/me"; do
    expect 200 -H 'Accept-Encoding: gzip' "$path"
    no_header content-encoding
done
no_header etag
expect 200 -H 'Accept-Encoding: gzip' "$api/recordings/$recording"
no_header content-encoding
refused 404 not_found null "$api/calls/99999999-0000-8000-8000-000000000000"
no_header etag
refused 404 not_found null "$api/calls/x"
refused 404 not_found null "$api/calls/0000000A-0000-8000-8000-000000000000"

# ---- messages, ladder, series ----
expect 200 "$api/calls/$call/messages"
body '(.data | length == 2) and .data[0].method == "INVITE" and .data[0].status == null and .data[1].status == 200 and (.data[0].raw | startswith("INVITE sip:2000"))'
body '[.data[] | [.direction, .vlan, .vlan_inner]] == [["caller", 100, null], ["callee", null, null]]'
expect 200 "$api/calls/$call/messages?header=f&value=SCRIPT"
body '[.data[].n] == [1]'
expect 200 "$api/calls/$call/messages?header=x-none"
body '.data == []'
expect 200 "$api/calls/$call/messages/1/diff?with=2"
body '.equal == false and .a.n == 1 and .b.n == 2 and .start_line.op == "changed" and (.a | has("raw") | not)'
expect 200 -H 'Accept: text/plain' "$api/calls/$call/messages/1/diff?with=2"
header 'content-type: text/plain'
grep -q '^-INVITE sip:2000' "$dir/body" && ok || fail "the diff as text: $(head -c 300 "$dir/body")"
refused 404 not_found null "$api/calls/00000004-0000-8000-8000-000000000000/messages/1/diff?with=1"
refused 404 not_found null "$api/calls/99999999-0000-8000-8000-000000000000/messages/1/diff?with=1"
refused 415 content_encoding '"Content-Encoding"' -H 'Content-Encoding: gzip' -d x "$api/calls"
expect 200 "$api/calls/$call/messages?raw=false"
body '.data[0] | has("raw") | not'
refused 400 invalid_value '"raw"' "$api/calls/$call/messages?raw=maybe"
expect 200 "$api/calls/$call/messages/2"
header 'content-type: text/plain'
is "$(od -An -tx1 <"$dir/body" | tr -d ' \n' | grep -c fffe)" 1 "raw bytes"
refused 404 not_found null "$api/calls/$call/messages/3"
refused 404 not_found null "$api/calls/$call/messages/0"
refused 404 not_found null "$api/calls/$call/messages/-1"
refused 404 not_found null "$api/calls/$call/messages/99999999999999999999"
expect 200 "$api/calls/00000004-0000-8000-8000-000000000000/messages"
body '.data == []'
expect 200 "$api/calls/$call/ladder"
body '[.events[].kind] == ["sip","sip","rtp_start","rtp_stop"]'
body '.events[0].t_us == 0 and .events[0].src == 0 and .events[0].dst == 1 and .events[1].src == 1 and .events[1].label == "200 OK" and ([.hosts[].addr] == ["10.0.0.1","10.0.0.2"])'
expect 200 "$api/calls/$call/ladder?rtp=0"
body '.events | length == 2'
expect 200 "$api/calls/$call/streams/1/series"
body '.step_ms == 1000 and .packets == [50,50,50] and .lost == [0,1,2] and .jitter_ms == [1.5,null,1.5] and .mos == [4.25]'
expect 200 "$api/calls/$call/streams/1/series?step_ms=10000"
body '.step_ms == 10000 and .packets == [150] and .lost == [3] and .jitter_ms == [1.5] and .max_gap_ms == [20.5]'
refused 400 invalid_value '"step_ms"' "$api/calls/$call/streams/1/series?step_ms=1500"
refused 404 not_found null "$api/calls/$call/streams/2/series"

# ---- packets ----
for rtp in full headers none; do
    expect 200 "$api/calls/$call/pcap?rtp=$rtp"
    header 'content-type: application/vnd.tcpdump.pcap'
    header 'content-disposition: attachment; filename="call-'$call'.pcap"'
    header 'transfer-encoding: chunked'
    if command -v tshark >/dev/null; then
        want=3002; [ $rtp = none ] && want=2
        is "$(tshark -r "$dir/body" 2>/dev/null | wc -l)" $want "packets with rtp=$rtp"
    fi
done
expect 200 -I "$api/calls/$call/pcap"
refused 400 invalid_value '"rtp"' "$api/calls/$call/pcap?rtp=all"
refused 410 packets_gone null "$api/calls/00000003-0000-8000-8000-000000000000/pcap"
refused 404 not_found null "$api/calls/99999999-0000-8000-8000-000000000000/pcap"
# Clients that leave in the middle give their place back.
for _ in $(seq 12); do curl -s --limit-rate 1k --max-time 0.3 -o /dev/null "$api/calls/$call/pcap"; done
expect 200 "$api/calls/$call/pcap"

# ---- recordings ----
expect 200 "$api/calls/$call/recording"
body '.id == "'$recording'" and .size_bytes == 100000 and .sample_rate_hz == 8000 and (.sha256 | length == 64)'
expect 200 "$api/recordings/$recording"
body '.call_uid == "'$call'"'
sha=$(jq -r .sha256 "$dir/body")
refused 404 no_recording null "$api/calls/00000009-0000-8000-8000-000000000000/recording"
refused 404 not_found null "$api/recordings/99999999-1111-8000-8000-000000000000"
expect 200 "$audio"
header 'content-type: audio/wav'
header 'accept-ranges: bytes'
header 'content-length: 100000'
header "etag: \"$sha\""
is "$(sha256sum <"$dir/body" | cut -d' ' -f1)" "$sha" "audio"
cp "$dir/body" "$dir/whole"
expect 200 -I "$audio"
header 'content-length: 100000'
header 'accept-ranges: bytes'
# range HEADER STATUS FIRST COUNT
range() {
    expect "$2" -H "Range: $1" "$audio"
    cmp -s "$dir/body" <(tail -c +$(($3 + 1)) "$dir/whole" | head -c "$4") && ok || fail "other bytes for $1"
    [ "$2" = 206 ] && header "content-range: bytes $3-$(($3 + $4 - 1))/100000"
}
range bytes=0-0 206 0 1
range bytes=0- 206 0 100000
range bytes=10-19 206 10 10
range bytes=99999- 206 99999 1
range bytes=90000-200000 206 90000 10000
range bytes=-5 206 99995 5
range bytes=-200000 206 0 100000
range bytes=0-9223372036854775808 206 0 100000
range bytes=-1- 200 0 100000
expect 206 -H 'Range: bytes=0-1,3-4' "$audio"
header 'content-type: multipart/byteranges'
range bytes=9-1 200 0 100000
range "bytes=$(seq -s, 1000 | sed 's/[0-9]*/0-0/g')" 200 0 100000
range elephants=1-2 200 0 100000
for bad in 100000- 9223372036854775808- -0; do
    refused 416 range_not_satisfiable null -H "Range: bytes=$bad" "$audio"
    header 'content-range: bytes \*/100000'
done
expect 206 -H "Range: bytes=0-9" -H "If-Range: \"$sha\"" "$audio"
expect 200 -H "Range: bytes=0-9" -H 'If-Range: "other"' "$audio"
expect 200 -H "Range: bytes=0-9" -H 'If-Range: Sat, 21 Nov 2026 10:00:00 GMT' "$audio"
expect 200 -I -H "Range: bytes=0-9" "$audio"
expect 200 "$audio?format=wav"
refused 400 invalid_value '"format"' "$audio?format=mp4"
refused 503 no_decoder null "$audio?format=mp3" # here is none
refused 409 recording_not_ready null "$api/recordings/00000001-1111-8000-8000-000000000000/audio"
header 'retry-after: 2'
refused 410 recording_gone null "$api/recordings/00000002-1111-8000-8000-000000000000/audio"

# ---- live, service, page ----
expect 200 "$api/live/calls"
body '.data[0].state == "answered" and .data[0].from.user == "1000" and .data[0].streams[0].jitter_ms == null and (.has_more | not)'
expect 200 "$api/live/calls/ffffffff-0000-8000-8000-000000000000"
body '.streams | length == 1'
refused 404 not_found null "$api/live/calls/eeeeeeee-0000-8000-8000-000000000000"
expect 200 "$base/healthz"
is "$(cat "$dir/body")" ok
expect 200 "$base/readyz"
body '.ready and .capture_up and has("detail")'
expect 200 -H 'X-Forwarded-For: 10.9.9.9' "$base/readyz"
body '.ready and (has("detail") | not)'
expect 200 "$base/"
header 'content-type: text/html'
header "content-security-policy: default-src 'self'"
grep -q 'onclick\|<style\|style=\|<script>' "$dir/body" && fail "inline script or style in the page" || ok
nonce=$(sed -n "s/^content-security-policy: .*style-src 'self' 'nonce-\([0-9a-f]\{24\}\)'.*/\1/Ip" "$dir/head")
grep -q "content=\"$nonce\"" "$dir/body" && [ -n "$nonce" ] && ok || fail "the document does not carry the nonce of its policy"
expect 200 "$base/"
grep -q "$nonce" "$dir/body" && fail "the nonce of another answer" || ok
script=$(sed -n 's/.*src="\(assets\/main-[^"]*\)".*/\1/p' "$dir/body")
style=$(sed -n 's/.*href="\(assets\/main-[^"]*\)".*/\1/p' "$dir/body")
expect 200 "$base/$script"
header 'content-type: text/javascript'
header 'cache-control: public, max-age=31536000, immutable'
header 'vary: accept-encoding'
cp "$dir/body" "$dir/script"
expect 200 -H 'Accept-Encoding: gzip' "$base/$script"
header 'content-encoding: gzip'
gzip -dc <"$dir/body" | cmp -s - "$dir/script" && ok || fail "packed and as it is differ"
expect 200 -H 'Accept-Encoding: gzip;q=0, br' "$base/$script"
cmp -s "$dir/body" "$dir/script" && ok || fail "gzip that was refused"
grep -q 'outerHTML\|insertAdjacentHTML\|document.write\|eval(\|dangerouslySetInnerHTML:' "$dir/body" && fail "the script makes markup from text" || ok
expect 200 "$base/$style"
header 'content-type: text/css'
refused 404 not_found null "$base/assets/nothing.js"
refused 400 path_not_canonical null "$base/assets/..hidden.js"
expect 200 "$api/openapi.yaml"
grep -q '^openapi: 3.1' "$dir/body" && ok || fail "openapi.yaml"
expect 200 -H 'Accept-Encoding: gzip' "$api/openapi.json"
header 'content-type: application/json'
header 'content-encoding: gzip'
tag=$(sed -n 's/^[Ee][Tt][Aa][Gg]: \(.*\)\r$/\1/p' "$dir/head")
gzip -dc <"$dir/body" >"$dir/packed"
expect 200 "$api/openapi.json"
cmp -s "$dir/packed" "$dir/body" && ok || fail "packed and as it is differ"
body '.openapi == "3.1.0" and .paths["/api/v1/docs"].get.operationId == "getDocs"'
expect 304 -H "If-None-Match: $tag" "$api/openapi.json"
is "$(stat -c %s "$dir/body")" 0 "what did not change has no body"
expect 200 "$api/docs"
header 'content-type: text/html; charset=utf-8'
header "content-security-policy: default-src 'self'; style-src 'self'; object-src 'none'"
grep -qi '<script\|style=\| on[a-z]*=\|https\?://[^1]' "$dir/body" && fail "the page of the description runs or loads something" || ok
is "$(grep -c '<article id="[a-zA-Z]*">' "$dir/body")" "$(jq '[.paths[] | keys[] | select(test("get|put|post|delete"))] | length' "$dir/packed")" "each route on the page"
[ "$(gzip -9 <"$dir/body" | wc -c)" -lt 100000 ] && ok || fail "the page of the description is large"
expect 200 "$base/assets/docs.css"
header 'content-type: text/css'
refused 405 method_not_allowed null -X PUT "$api/docs"
refused 404 not_found null "$api/nothing"
expect 200 "$base/metrics"
header 'content-type: text/plain; version=0.0.4'
grep -q '^earshot_build_info{version="0.0-test",revision="abcdef"} 1$' "$dir/body" && ok || fail "build info"
grep -q '^earshot_http_requests_total{route="/metrics",method="GET",code="200"} [1-9]' "$dir/body" && ok || fail "requests by route"
grep -q '^earshot_http_requests_total{route="other",method="other",code="404"} [1-9]' "$dir/body" && ok || fail "requests by no route"
grep -q '^earshot_http_request_seconds_bucket{route="/metrics",method="GET",le="+Inf"} [1-9]' "$dir/body" && ok || fail "seconds by route"
for name in process_cpu_seconds_total process_resident_memory_bytes process_open_fds process_start_time_seconds; do
    grep -q "^$name [0-9.]*[1-9]" "$dir/body" && ok || fail "$name: $(grep "^$name" "$dir/body")"
done
is "$(awk -v now="$(date +%s)" '/^process_start_time_seconds/ { print (now - $2 < 1800 && $2 <= now + 2) }' "$dir/body")" 1 "start time"
if command -v promtool >/dev/null; then
    lint=$(promtool check metrics <"$dir/body" 2>&1)
    is "$?$lint" 0 "promtool check metrics"
fi

# ---- paths, methods, hosts ----
for path in //api/v1/calls /api/v1//calls /api/v1/../v1/calls /api/v1/calls/%2e%2e /api%2Fv1/calls '/api/v1/calls;a=b' /./metrics '/..;/metrics' '/api\v1' /%6detrics; do
    refused 400 path_not_canonical null "$base$path"
done
for path in /api /api/v1/ /api/v1/calls/ /API/v1/calls /metrics/ /index.html; do refused 404 not_found null "$base$path"; done
for method in POST PUT DELETE OPTIONS PATCH TRACE; do
    refused 405 method_not_allowed null -X $method "$api/calls"
    header 'allow: GET, HEAD'
done
refused 405 method_not_allowed null -d "$(head -c 20000 /dev/zero | tr '\0' x)" "$api/calls"
refused 404 not_found null -X POST "$base/nothing"

# ---- tags: the one thing that is written ----
tags=$api/calls/$call/tags
live=$api/calls/ffffffff-0000-8000-8000-000000000000/tags
json=(-H 'Content-Type: application/json; charset=utf-8')
expect 200 "$tags"
body '. == {}'
expect 200 -X PUT "${json[@]}" -d '{"customer":"4711","note":"M\u00fcller & Co"}' "$tags"
body '. == {"customer":"4711","note":"Müller & Co"}'
expect 200 "$api/calls/$call"
body '.tags.customer == "4711"'
expect 200 "$api/calls?tag=customer:4711&count=exact"
body '.total == 1 and .data[0].uid == "'$call'" and .data[0].tags.customer == "4711"'
expect 200 "$api/calls?tag=customer:4712"
body '.data == []'
refused 400 invalid_value '"tag"' "$api/calls?tag=customer"
refused 400 invalid_value '"tag"' "$api/calls?tag=:x"
expect 200 -X PUT "${json[@]}" -d '{"customer":"live"}' "$live"
expect 200 "$live"
body '. == {"customer":"live"}'
expect 200 "$api/live/calls"
body '.data[0].tags == {"customer":"live"}'
refused 404 not_found null -X PUT "${json[@]}" -d '{}' "$api/calls/ffffffff-ffff-8000-8000-000000000000/tags"
for bad in '' '[]' '"x"' 'x' '{"a":' '[{"a":"b"}]'; do refused 400 invalid_body null -X PUT "${json[@]}" -d "$bad" "$tags"; done
for bad in '{"a":1}' '{"a":null}' '{"a":""}' '{"a":["b"]}' "{\"a\":\"$(head -c 257 /dev/zero | tr '\0' x)\"}" '{"a":"b\u0001"}'; do
    refused 400 invalid_value '"a"' -X PUT "${json[@]}" -d "$bad" "$tags"
done
for bad in '{"":"x"}' '{"a b":"x"}' '{"ä":"x"}' "{\"$(head -c 33 /dev/zero | tr '\0' x)\":\"x\"}"; do refused 400 invalid_key null -X PUT "${json[@]}" -d "$bad" "$tags"; done
refused 400 too_many_tags '"k17"' -X PUT "${json[@]}" -d "{$(for i in $(seq 17); do printf '"k%s":"x",' "$i"; done | sed 's/,$//')}" "$tags"
refused 415 content_type '"Content-Type"' -X PUT -d '{}' "$tags"
refused 413 body_too_large null -X PUT "${json[@]}" -d "{\"a\":\"$(head -c 40000 /dev/zero | tr '\0' x)\"}" "$tags"
refused 413 body_too_large null -X PUT "${json[@]}" -H 'Transfer-Encoding: chunked' -d "{\"a\":\"$(head -c 40000 /dev/zero | tr '\0' x)\"}" "$tags"
refused 403 scope null -X PUT "${json[@]}" -d '{}' -H "Authorization: Bearer $(token listener)" "$tags"
refused 401 token_missing null -X PUT "${json[@]}" -d '{}' -H 'Origin: http://evil.example' "$tags"
refused 405 method_not_allowed null -X DELETE "$tags"
header 'allow: GET, HEAD, PUT'
expect 200 "$tags"
body '.customer == "4711"'
expect 200 -X PUT "${json[@]}" -d '{}' -H "Authorization: Bearer $(token supervisor)" "$tags"
body '. == {}'
for host in 127.0.0.1 localhost "localhost:$port" '[::1]' LOCALHOST; do expect 200 -H "Host: $host" "$base/healthz"; done
for host in evil.example "evil.example:$port" 127.0.0.1.evil.example 127.0.0.2 '' ; do
    ask -H "Host: $host" "$base/healthz"
    [ "$status" = 421 ] || [ "$status" = 400 ] && ok || fail "Host '$host': $status"
done
expect 431 -H "X-Long: $(head -c 60000 /dev/zero | tr '\0' x)" "$api/calls"

# ---- who may ----
routes=("metrics $base/metrics" "meta $api/calls" "meta $api/calls/$call" "messages $api/calls/$call/messages" "messages $api/calls/$call/messages/1"
    "messages $api/calls/$call/messages/1/diff?with=2"
    "messages $api/calls/$call/ladder" "meta $api/calls/$call/streams/1/series" "messages $api/calls/$call/pcap?rtp=headers" "audio $api/calls/$call/pcap"
    "meta $api/calls/$call/recording" "meta $api/recordings/$recording" "audio $audio" "meta $api/live/calls")
scopes_of() {
    case $1 in
    metrics) echo metrics ;; viewer) echo meta ;; analyst) echo meta messages ;; listener | supervisor) echo meta messages audio ;;
    admin) echo metrics meta messages ;; *) echo none ;;
    esac
}
for role in metrics viewer analyst listener supervisor admin probe auditor; do
    for entry in "${routes[@]}"; do
        want=403
        [[ " $(scopes_of $role) " == *" ${entry%% *} "* ]] && want=200
        expect $want -H "Authorization: Bearer $(token $role)" "${entry#* }"
    done
done
bad="Authorization: Bearer esk_abc_0000000000000000000000000000000000000000000"
for entry in "${routes[@]}"; do
    url=${entry#* }
    expect 200 "$url"
    expect 401 -H "$bad" "$url"
    expect 401 -I -H "$bad" "$url"
    expect 401 -H 'X-Forwarded-For: 127.0.0.1' "$url"
    expect 401 -H 'Sec-Fetch-Site: cross-site' "$url"
    expect 401 -H 'Origin: http://evil.example' "$url"
done
refused 401 token_invalid null -H "$bad" "$api/calls"
header 'www-authenticate: Bearer'
refused 401 token_invalid null -H 'Authorization: Basic eDp5' "$api/calls"
refused 401 token_invalid null -H 'Authorization;' "$api/calls"
refused 401 token_expired null -H "Authorization: Bearer $(token expired)" "$api/calls"
refused 401 token_missing null -H 'Via: 1.1 proxy' "$api/calls"
refused 403 scope null -H "Authorization: Bearer $(token viewer)" "$audio"
refused 403 scope '"header"' -H "Authorization: Bearer $(token viewer)" "$api/calls?header=To"
expect 200 -H "Authorization: Bearer $(token analyst)" "$api/calls?header=f&header_value__contains=ALERT(1)"
body '.search.calls_looked_at >= 1 and ([.data[].uid] == ["'$call'"])'
refused 403 scope '"rtp"' -H "Authorization: Bearer $(token analyst)" "$api/calls/$call/pcap"
expect 200 -H "authorization: bearer $(token viewer)" "$api/calls"
refused 400 unknown_parameter '"token"' "$api/calls?token=$(token viewer)"
ask "$base/metrics"
grep -q '^earshot_auth_failures_total{reason="invalid"} [1-9]' "$dir/body" && ok || fail "auth failures are counted"

# ---- audit ----
if command -v sqlite3 >/dev/null; then
    audited() { sqlite3 "$dir/data/db/earshot.db" "select count(*) from audit where $1"; }
    [ "$(audited "action = 'audio.read' and object = '$recording' and actor = 'local' and address = '127.0.0.1'")" -ge 1 ] && ok || fail "audio is audited"
    [ "$(audited "action = 'pcap.read' and actor = 'listener'")" -ge 1 ] && ok || fail "pcap is audited"
    [ "$(audited "action = 'messages.read' and object like '$call%' and actor = 'analyst'")" -ge 1 ] && ok || fail "messages are audited"
    [ "$(audited "action = 'messages.read' and object = '$call/1,2'")" -ge 1 ] && ok || fail "comparing messages is audited"
    [ "$(audited "action = 'messages.search' and object = 'header f' and actor = 'analyst'")" -eq 1 ] && ok || fail "searching messages is audited"
    failed=$(audited "action = 'auth.failed' and result = 'denied'")
    [ "$failed" -ge 10 ] && [ "$failed" -le 180 ] && ok || fail "$failed refusals are audited"
    expect 206 -H 'X-Access-Reason: complaint 42' -H 'Range: bytes=0-9' "$audio"
    is "$(audited "detail = 'bytes 0+10 of 100000; complaint 42'")" 1 "range and reason are audited"
fi

# ---- many at once, slow ones ----
seq 400 | xargs -P 40 -I{} curl -s -o /dev/null -w '%{http_code}\n' --max-time 60 "$api/calls?limit=2" | sort | uniq -c >"$dir/many"
is "$(tr -s ' ' <"$dir/many")" " 400 200" "400 requests by 40 clients"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/v1/calls?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
    timeout 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; cat <&3" >"$dir/pipelined"
is "$(grep -o 'HTTP/1.1 200' "$dir/pipelined" | wc -l)" 3 "pipelined requests"

# ---- starting ----
"$server" "$dir/other" "$port" </dev/null >/dev/null 2>"$dir/busy" && fail "two on one port" || ok
grep -q "port $port of 127.0.0.1 is in use: stop the program" "$dir/busy" && ok || fail "busy port: $(cat "$dir/busy")"
"$server" "$dir/other" 0 0.0.0.0 </dev/null >/dev/null 2>"$dir/open" && fail "beyond loopback without encryption" || ok
grep -q 'does not listen on 0.0.0.0 without encryption' "$dir/open" && ok || fail "beyond loopback: $(cat "$dir/open")"
"$server" "$dir/other" 0 nonsense </dev/null >/dev/null 2>"$dir/open" && fail "address nonsense" || ok

# A download under way does not keep the service from ending.
curl -s --limit-rate 1k -o "$dir/download" "$api/calls/$call/pcap" 9>&- &
curl_pid=$!
for _ in $(seq 200); do [ -s "$dir/download" ] && break; sleep 0.05; done
[ -s "$dir/download" ] && ok || fail "no download began"
trap - EXIT
stop || fail "the server ended with $?"
ok
kill $curl_pid 2>/dev/null && ok || fail "the download came to its end first" # it still reads what the kernel holds
echo "$checks checks, $failures failed"
[ $failures = 0 ]
