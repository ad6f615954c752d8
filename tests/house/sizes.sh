#!/usr/bin/env bash
# sizes.sh ROOT: what a machine can judge of style: lengths, columns, parameters, names, unfinished work.
# Prints FILE:LINE: what is wrong; exit code 1 if anything is.
#
# It reads C by its layout (see .clang-format): a definition starts in column 0 and ends with a brace there.
set -uo pipefail
cd "${1:?a tree}" || exit 2
found=$(mktemp)
trap 'rm -f "$found"' EXIT

sources() {
    find "$@" -name '*.[ch]' -not -path '*/planted/*' 2>/dev/null | sort
}

# Function <= 70 lines, <= 6 parameters, file <= 600 lines.
# shellcheck disable=SC2016 # awk expands them
judge_c='
function parameters(text,    i, c, depth, commas, seen) {
    gsub(/__attribute__\(\([^)]*\)?\)?\)/, "", text)
    gsub(/PS_PRINTF\([^)]*\)/, "", text)
    i = index(text, "(")
    depth = 0; commas = 0
    for (; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") depth++
        if (c == ")" && --depth == 0) break
        if (c == "," && depth == 1) commas++
    }
    return commas + 1
}
function report(line, what) { printf "%s:%d: %s\n", FILENAME, line, what }
function judge_signature(text, line) {
    if (text ~ /\(/ && parameters(text) > 6)
        report(line, "more than 6 parameters (use a structure of options)")
}
FNR == 1 { start = 0; text = ""; body = 0; comment = 0; macro = 0; done = 0 }
FNR > 600 && !done { report(FNR, "file is longer than 600 lines"); done = 1 }
comment { if ($0 ~ /\*\//) comment = 0; next }
macro { macro = /\\$/; next }
/^#/ { macro = /\\$/; next }
/^\/\*/ { if ($0 !~ /\*\//) comment = 1; next }
body {
    if ($0 ~ /^}/) {
        if (is_function && FNR - start + 1 > 70)
            report(start, "function is " FNR - start + 1 " lines long, more than 70")
        body = 0; start = 0; text = ""
    }
    next
}
start == 0 && /^[A-Za-z_]/ { start = FNR; text = "" }
start != 0 {
    text = text " " $0
    if ($0 ~ /{$/ && text !~ /}/) {
        is_function = text !~ /=/ && text ~ /\)[^;=]*{$/
        if (is_function) judge_signature(text, start)
        body = 1
    } else if ($0 ~ /[;}]$/ || $0 ~ /; *\/\*.*\*\/$/) {
        if (text !~ /=/ && text !~ /^ (typedef|SUITE)/) judge_signature(text, start)
        start = 0
    } else if ($0 ~ /^SUITE_MAIN/) {
        start = 0
    }
}'
sources src include tests | xargs -r awk "$judge_c" >>"$found"

# 100 columns; the prose of public headers may take 110.
# shellcheck disable=SC2016 # awk expands them
judge_columns='
{ limit = FILENAME ~ /^include\// && /^ *(\*|\/\*)/ ? 110 : 100 }
length($0) > limit { printf "%s:%d: %d columns, more than %d\n", FILENAME, FNR, length($0), limit }'
sources src include tests | LC_ALL=C.UTF-8 xargs -r awk "$judge_columns" >>"$found"

# Unique names: of the headers and of the sources; each algorithm has its own model.c and app.c.
sources src | grep -v '^src/algos/' | sed 's|.*/||' | sort | uniq -d | sed 's/.*/src: two files have the name &/' >>"$found"

# A guard and, before it, a comment that says what the header is for.
while read -r header; do
    case $(head -c 2 "$header") in
    '/*') ;;
    *) echo "$header:1: does not open with what it is for" >>"$found" ;;
    esac
    grep -q '^#ifndef [A-Z_0-9]*_H$' "$header" || echo "$header:1: has no include guard" >>"$found"
done < <(sources src include tests | grep '\.h$')

# kill() takes an id that is still 0, or the -1 of a failed fork(), for whole groups of processes.
find tests -name '*.[ch]' ! -path tests/support/signals.h 2>/dev/null | sort | xargs -r grep -nH '\<kill *(' |
    sed 's/$/   (use signals_send())/' >>"$found"

# Unfinished work. A marker with an issue's number is a plan, not a leftover.
markers='(TO''DO|FIX''ME|XX''X|HA''CK)'
find src include tests cmake plots experiments scripts check demo CMakeLists.txt -type f -not -path '*/planted/*' 2>/dev/null |
    sort | xargs -r grep -nHwE "$markers" | grep -vE 'TO''DO\(#[0-9]+\)' | sed 's/$/   (unfinished work)/' >>"$found"

cat "$found"
[ ! -s "$found" ]
