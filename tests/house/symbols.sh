#!/usr/bin/env bash
# symbols.sh ALLOWED FOLDER=LIBRARY...: no library has writable globals, and the libraries that only compute call
# nothing outside of ALLOWED (lines "FOLDER PATTERN..."; a folder without a line is not judged) and the other
# libraries that are named. Prints what breaks the rule; exit code 1 if anything does.
set -uo pipefail
allowed=${1:?a list}
shift
found=$(mktemp) defined=$(mktemp)
trap 'rm -f "$found" "$defined"' EXIT

for pair in "$@"; do
    nm --defined-only --format=posix "${pair#*=}" 2>/dev/null | awk 'NF > 1 {print $1}'
done | sort -u >"$defined"
if [ ! -s "$defined" ]; then
    echo "no symbols in: $*"
    exit 1
fi

for pair in "$@"; do
    folder=${pair%%=*} library=${pair#*=}
    [ -r "$library" ] || echo "src/$folder: there is no $library" >>"$found"
    # Section is the last column. Constant tables of pointers are in .data.rel.ro, which is read-only at run time.
    nm --format=sysv "$library" 2>/dev/null | awk -F'|' -v folder="$folder" '
        /^[^|]*\.o:/ || /^Symbols from/ { object = $0 }
        NF == 7 {
            section = $7; gsub(/ /, "", section); name = $1; gsub(/ /, "", name)
            if (section ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && section !~ /^\.data\.rel\.ro/)
                print "src/" folder ": " name " is a writable global (" section ")"
        }' >>"$found"
    grep -q "^$folder " "$allowed" || continue
    nm --undefined-only --format=posix "$library" 2>/dev/null | awk '$2 == "U" || $2 == "w" {print $1}' | sort -u |
        grep -vxFf "$defined" | grep -vxEf <(grep "^$folder " "$allowed" | tr ' ' '\n' | tail -n +2) |
        sed "s|.*|src/$folder: calls & and may not (see ${allowed##*/})|" >>"$found"
done

cat "$found"
[ ! -s "$found" ]
