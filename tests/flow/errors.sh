#!/usr/bin/env bash
# Each wrong input gives one clear sentence on standard error and the right exit code.
set -u
earshot=$(realpath "$1")
work=$(mktemp -d)
trap 'kill %1 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
bad=0

# wrong CODE PATTERN COMMAND...
wrong() {
  local code=$1 pattern=$2 got out
  shift 2
  out=$(timeout 20 "$@" 2>&1 >/dev/null)
  got=$?
  if [ "$got" != "$code" ] || ! grep -qE "$pattern" <<<"$out" || [ "$(wc -l <<<"$out")" -gt 2 ]; then
    echo "expected exit $code and /$pattern/, got exit $got:"
    sed 's/^/    /' <<<"$out"
    echo "    from: $*"
    bad=1
  fi
}

: > empty.pcap
echo 'dear diary, today I captured nothing' > text.pcap
printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x40\0\0\0\x40\0\0\0abc' > cut.pcap
printf '[capture]\ninterfce = eth0\n' > typo.conf
printf '[captur]\ninterface = eth0\n' > section.conf
printf '[capture]\nworkers = many\n' > value.conf
printf '[capture]\nworkers = 99\n' > range.conf
printf '[api]\nbind = 0.0.0.0\n' > beyond.conf

"$earshot" >/dev/null 2>&1
[ $? = 2 ] || { echo "no command: not exit 2"; bad=1; }
wrong 2 'no command "reed"'                        "$earshot" reed
wrong 2 'which file'                               "$earshot" read
wrong 2 'help'                                     "$earshot" read --jsn empty.pcap
wrong 1 'empty\.pcap.*(empty|no bytes)'            "$earshot" read empty.pcap
wrong 1 'text\.pcap.*(not a capture|no capture)'   "$earshot" read text.pcap
wrong 1 'missing\.pcap.*(No such file|not exist|no such)' "$earshot" read missing.pcap
wrong 3 'cut\.pcap'                                "$earshot" read cut.pcap
wrong 1 'filter'                                   "$earshot" read --filter 'udp porrt 5' cut.pcap
wrong 2 'typo\.conf, line 2: .*"interface"'        "$earshot" --check-config typo.conf
wrong 2 'section\.conf, line 2: .*capture'         "$earshot" --check-config section.conf
wrong 2 'value\.conf, line 2: .*whole number'      "$earshot" --check-config value.conf
wrong 2 'workers.*between 1 and 16'                "$earshot" --check-config range.conf
wrong 2 '0\.0\.0\.0.*behind_proxy'                 "$earshot" --check-config beyond.conf
wrong 2 'none\.conf'                               "$earshot" --check-config none.conf
wrong 1 'eth99'                                    "$earshot" run --interface eth99 --data "$work/d1" --port 0
wrong 2 'no interface'                             "$earshot" run --data "$work/d1" --port 0
wrong 2 'takes no argument'                        "$earshot" run some.pcap

# a port that is taken
python3 -c 'import socket,time
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(1); print(s.getsockname()[1],flush=True); time.sleep(60)' > port &
until [ -s port ]; do sleep 0.05; done
printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0' > none.pcap
wrong 1 "port $(cat port)"                         "$earshot" run --read none.pcap --exit --data "$work/d2" --port "$(cat port)"

# a data directory that cannot be written: root may write anywhere, so another user tries
mkdir locked
chmod 0555 locked "$work"
install -m 0755 "$earshot" /tmp/earshot-errors-$$ 
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
[ "$(id -u)" = 0 ] || as_nobody=
wrong 1 'locked.*(ermission|writ)'                 $as_nobody /tmp/earshot-errors-$$ run --read none.pcap --exit --data "$work/locked/data" --port 0
rm -f /tmp/earshot-errors-$$
chmod 0755 locked "$work"
exit $bad
