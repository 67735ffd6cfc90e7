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
wrong 1 'text\.pcap is a text file'                 "$earshot" run --read text.pcap --exit --data "$work/d1" --port 0
wrong 1 'none: not found.*--data'                  "$earshot" audit --data "$work/none"
wrong 1 'none: not found.*--data'                  "$earshot" retention --data "$work/none"
wrong 2 'takes no argument "ann"'                  "$earshot" token create ann --role viewer --data "$work/none"
wrong 2 'takes no argument "b"'                    "$earshot" token revoke a b --data "$work/none"
wrong 1 'no token a '                              "$earshot" token revoke a --data "$work/none"
wrong 2 'takes no argument "now"'                  "$earshot" retention now
wrong 2 'takes no argument "now"'                  "$earshot" rebuild now
wrong 2 'takes no argument "now"'                  "$earshot" audit now
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

# compressed, merged, cut inside
python3 - <<'END'
import gzip, os, random, struct
random.seed(1)
head = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
frames = b''.join(struct.pack('<IIII', 1700000000 + i, 0, 60, 60) + bytes(random.randrange(256) for _ in range(60)) for i in range(2000))
whole = gzip.compress(head + frames)
open('whole.pcap', 'wb').write(head + frames)
open('whole.pcap.gz', 'wb').write(whole)
open('cut.pcap.gz', 'wb').write(whole[:len(whole) * 3 // 4])
open('damaged.pcap.gz', 'wb').write(whole[:30000] + bytes(100) + whole[30100:])
open('text.pcap.gz', 'wb').write(gzip.compress(b'dear diary\n'))
open('twice.pcap.gz', 'wb').write(gzip.compress(whole))
open('bomb.pcap.gz', 'wb').write(gzip.compress(head + (struct.pack('<IIII', 1, 0, 200000, 200000) + bytes(200000)) * 700))
section = struct.pack('<IIIHHQI', 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 2**64 - 1, 28)
eth = struct.pack('<IIHHII', 1, 20, 1, 0, 0, 20)
open('length.pcapng', 'wb').write(section + eth + struct.pack('<III', 6, 61, 0) + bytes(60))
open('iface.pcapng', 'wb').write(section + eth + struct.pack('<IIIIIIII', 6, 32, 5, 0, 0, 0, 0, 32))
os.mkdir('none'); os.mkdir('some')
open('some/a.pcap', 'wb').write(head + frames)
open('some/b.pcap', 'wb').write(b'dear diary, today I captured nothing')
END
printf '[capture]\nunpacked_max = 100k\n' > small.conf
printf '[capture]\noffset = eth1\n' > offset.conf
wrong 3 'cut\.pcap\.gz is cut inside its gzip data, at byte [0-9]+;' "$earshot" read cut.pcap.gz
wrong 3 'damaged\.pcap\.gz (holds damaged gzip data near byte|is damaged)' "$earshot" read damaged.pcap.gz
wrong 1 'text\.pcap\.gz is a text file'             "$earshot" read text.pcap.gz
wrong 1 'twice\.pcap\.gz is compressed twice'       "$earshot" read twice.pcap.gz
wrong 3 'bomb\.pcap\.gz.*100 times its size'        "$earshot" read bomb.pcap.gz
wrong 3 'whole\.pcap\.gz.*102400 bytes that are allowed' "$earshot" read --config small.conf whole.pcap.gz
wrong 3 'length\.pcapng is damaged: block 3, at byte 48, claims 61 bytes' "$earshot" read length.pcapng
wrong 3 'iface\.pcapng.*interface 5, which the file does not describe' "$earshot" read iface.pcapng
wrong 1 'none holds no capture files'              "$earshot" read none
wrong 3 'some/b\.pcap is a text file'              "$earshot" read --quiet some
wrong 3 'missing\.pcap does not exist'             "$earshot" read --quiet whole.pcap missing.pcap
wrong 2 'offset "whole\.pcap" is not NAME=SECONDS'  "$earshot" read --offset whole.pcap whole.pcap
wrong 2 'offset for other\.pcap'                   "$earshot" read --offset other.pcap=1 whole.pcap
wrong 2 'offset "eth1" is not NAME=SECONDS'        "$earshot" run --config offset.conf --interface lo --data "$work/d3" --port 0
wrong 2 'names lo twice'                           "$earshot" run --interface lo,lo --data "$work/d3" --port 0
wrong 1 'interface eth98 does not exist'           "$earshot" run --interface eth98,lo --data "$work/d3" --port 0
# what can be read of a list is read: the good file gives its packets, alone, packed, merged and from a pipe
for input in whole.pcap whole.pcap.gz some; do
  "$earshot" read $input 2>&1 | grep -q '; 2000 packets' || { echo "$input: not 2000 packets"; bad=1; }
done
gzip -dc whole.pcap.gz | "$earshot" read - 2>&1 | grep -q '; 2000 packets' || { echo "pipe: not 2000 packets"; bad=1; }
cat whole.pcap.gz | "$earshot" read whole.pcap - 2>&1 | grep -q '; 4000 packets' || { echo "pipe and file: not 4000 packets"; bad=1; }

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
