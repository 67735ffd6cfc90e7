#!/bin/sh
# Reads every file below a directory of captures with an Earshot built under ASan and UBSan, the
# malformed ones and those that are no captures at all included: none may bring a report, a signal
# or a hang. What the files hold is not looked at; a file that is refused in a sentence is fine.
#
#   survive.sh EARSHOT [DIR]      DIR: ../shared/captures, seen from the project root
#
# Exit codes: 0 all survived or captures not given, 1 one did not, 2 wrong usage.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
earshot=${1:-}
dir=${2:-$root/../shared/captures}
limit_s=20

if [ -z "$earshot" ] || [ ! -x "$earshot" ]; then
    echo "usage: survive.sh EARSHOT [DIR]" >&2
    exit 2
fi
if [ ! -d "$dir" ]; then
    echo "captures not given: $dir"
    exit 0
fi

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# A report ends the program with a code of its own, so that it cannot be taken for a refusal.
export ASAN_OPTIONS="exitcode=99:abort_on_error=0:detect_leaks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="halt_on_error=1:exitcode=99:print_stacktrace=1:${UBSAN_OPTIONS:-}"

# Says what is wrong with the run that ended with code $1 and said what stands in $2, or nothing.
verdict() {
    if grep -qE 'Sanitizer|runtime error:|Assertion .* failed' "$2"; then
        echo report
    elif [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
        echo "no end after $limit_s s"
    elif [ "$1" -ge 128 ]; then
        echo "signal $(($1 - 128))"
    elif [ "$1" -gt 3 ]; then
        echo "exit code $1"
    fi
}

# lane NUMBER: each file of its list, one after the other; what came of each is a word in a file of its own.
lane() {
    err=$work/err.$1
    while IFS= read -r file; do
        timeout -k 2 "$limit_s" "$earshot" read --json --quiet "$file" >/dev/null 2>"$err" </dev/null
        code=$?
        wrong=$(verdict "$code" "$err")
        if [ -n "$wrong" ]; then
            echo bad
            { printf '%s: %s\n' "${file#"$dir"/}" "$wrong"; sed -n '1,30s/^/    /p' "$err"; } >>"$work/wrong.$1"
        fi
        case $code in
        1) echo refused ;;
        3) echo cut ;;
        esac
        echo file
    done <"$work/list.$1" >"$work/words.$1"
}

find "$dir" -type f | sort >"$work/list"
lanes=$(nproc)
for n in $(seq "$lanes"); do
    awk -v n="$n" -v of="$lanes" 'NR % of == n % of' "$work/list" >"$work/list.$n"
    lane "$n" &
done
wait

count() { cat "$work"/words.* | grep -c "^$1$"; }
files=$(count file) bad=$(count bad)
cat "$work"/wrong.* 2>/dev/null
echo "$files files: $bad did not survive; $(count refused) refused, $(count cut) cut or damaged and read as far as they go"
[ "$files" -gt 0 ] && [ "$bad" -eq 0 ]
