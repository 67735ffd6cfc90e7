# Shared by the scripts: where the project is, what a fresh Debian 12 lacks, and one way to build.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf 'earshot: %s\n' "$*" >&2; exit 1; }

build_packages="build-essential cmake ninja-build pkg-config libpcap-dev libavcodec-dev libavformat-dev libavutil-dev libswresample-dev
  libopus-dev libogg-dev libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libsodium-dev libinih-dev libjansson-dev libssl-dev zlib1g-dev libzstd-dev libexpat1-dev libsrtp2-dev libseccomp-dev libcurl4-openssl-dev libspandsp-dev libarchive-dev"
run_packages="espeak-ng sox"
test_packages="libcriterion-dev libosip2-dev libgsm1-dev libspeex-dev libbcg729-dev libtiff-dev libopencore-amrnb-dev libvo-amrwbenc-dev espeak-ng tshark
  tcpdump ffmpeg sox jq curl prometheus sip-tester sngrep baresip-core tcpreplay iproute2 nftables procps sqlite3 python3 python3-cryptography python3-yaml python3-jsonschema openssl clang-format"
fuzz_packages="clang libclang-rt-14-dev"
# What tests/live/peers.py starts; large. A Node.js that does not come from Debian brings its npm along.
peer_packages="kamailio kamailio-tls-modules kamailio-websocket-modules rtpengine-daemon chromium"
command -v npm >/dev/null || peer_packages+=" nodejs npm"

# install PACKAGE...: what is missing, with apt; nothing is touched when all is there.
install() {
  local missing=()
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these Debian packages are missing: ${missing[*]}; install them as root and run this again"
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq
  # No services are started by what is installed: this is a build machine, not a server.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null || die "cmake --preset $preset failed"
  cmake --build "build/$preset" ${*:+--target "$@"} -- --quiet || die "the build of $preset failed"
}
