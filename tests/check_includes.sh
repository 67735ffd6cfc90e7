#!/usr/bin/env bash
# The star of rooms (docs/architecture.md): who may include whom, and which library is met where.
set -u
cd "$(dirname "$0")/.."
bad=0

# rule ROOM-GLOB ALLOWED-REGEX: every #include "..." of these files must match.
rule() {
  local files=$1 allowed=$2 hits
  hits=$(grep -nE '^#include "' $files 2>/dev/null | grep -vE "#include \"($allowed)" || true)
  if [ -n "$hits" ]; then
    echo "may not include this:"
    echo "$hits"
    bad=1
  fi
}

# library REGEX ALLOWED-FILES-REGEX
library() {
  local hits
  hits=$(grep -rlE "#include <($1)" base capture decode storage api app --include='*.[ch]' | grep -vE "^($2)$" || true)
  if [ -n "$hits" ]; then
    echo "<$1> is met outside its place:"
    echo "$hits"
    bad=1
  fi
}

rule 'base/*.[ch]' 'base/'
rule 'capture/source/*.[ch]' 'base/|capture/source/'
rule 'capture/net/*.[ch]' 'base/|capture/net/|capture/source/frame\.h'
rule 'capture/sip/*.[ch]' 'base/|capture/sip/'
rule 'capture/body/*.[ch]' 'base/|capture/body/|capture/sip/'
rule 'capture/rtp/*.[ch]' 'base/|capture/rtp/'
rule 'capture/video/*.[ch]' 'base/|capture/video/|capture/rtp/(rtp|codec)\.h'
rule 'capture/foreign/*.[ch]' 'base/|capture/foreign/|capture/net/datagram\.h'
rule 'capture/finding/*.[ch]' 'base/|capture/finding/|capture/sip/|capture/net/datagram\.h|capture/call/slots\.h'
rule 'capture/call/*.[ch] capture/*.[ch]' 'base/|capture/'
rule 'decode/*.[ch]' 'base/|decode/|capture/rtp/(rtp|red)\.h|capture/video/video\.h'
rule 'storage/*.[ch]' 'base/|storage/'
rule 'api/describe/*.[ch]' 'api/describe/'
rule 'api/*.[ch]' 'base/|storage/|api/'
# Who includes the decoder has codecs in its program.
rule 'app/*.[ch] app/confine/*.[ch] app/diagnose/*.[ch] app/main/*.[ch]' '(base|capture|decode|storage|api)/|app/([a-z_]+\.|confine/|diagnose/|terminal/)'
rule 'app/terminal/*.[ch]' 'base/|storage/post\.h|api/call_csv\.h|app/(commands|progress)\.h|app/terminal/'

library 'zlib' 'base/(in|de)flate\.c|capture/source/unpack\.c'
library 'zstd' 'capture/source/unpack\.c'
library 'openssl/ssl' 'capture/source/[a-z_]+\.[ch]'
library 'sodium' 'base/crypto\.c'
library 'openssl/(core|ecdsa|evp|hmac|kdf|params|pem|rsa|sha|x509)' 'base/crypto_[a-z0-9]+\.c'
library 'jansson' 'base/json_read\.c'
library 'expat' 'capture/body/xml\.c'
library 'pcap' 'capture/source/[a-z_]+\.[ch]'
library 'libav|libsw' 'decode/(av|audio_reader|encoder_av|video_file)\.c'
library 'opus/' 'decode/opus\.c'
library 'srtp2' 'decode/srtp\.c'
library 'sqlite3' 'storage/store[a-z_]*\.[ch]'
library 'curl' 'storage/post\.c'
library 'archive' 'storage/archive\.c'
library 'microhttpd' 'api/(server|connection|listen)\.[ch]'
library 'ini\.h' 'app/settings_files\.c'
library 'seccomp' 'app/decoder/walls\.c'
exit $bad
