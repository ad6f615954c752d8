#!/usr/bin/env bash
# arrows.sh ROOT: which folder may include what, and which words stay out of the parts that must not know their
# world. Prints FILE:LINE: what is wrong; exit code 1 if anything is.
set -uo pipefail
cd "${1:?a tree}" || exit 2
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# The arrows of docs/ARCHITECTURE.md: folder, and the first parts of what it may include by "quotes".
declare -A may_include=(
    [base]='tortoise base'
    [ps]='tortoise base ps'
    [node]='tortoise base ps node'
    [runtime]='tortoise base ps node runtime'
    [sim]='tortoise base ps node sim'
    [data]='tortoise base data'
    [algos]='tortoise data algos'
    [cli]='tortoise base ps node data algos runtime sim cli'
)
# Headers of the system for the parts that only compute: no clock, thread, file, socket or environment.
computing='stdarg stdbool stddef stdint stdlib string math limits float inttypes'
declare -A may_use=(
    [base]="$computing gsl/gsl_rng"
    [ps]="$computing"
    [node]="$computing stdio"
    [algos]="$computing stdio gsl/.* cblas"
)
# Single files that may use more: text of numbers, the one message of a bug, CRC-32C, samplers with wide registers.
exceptions='^src/base/(err|units)\.c:[0-9]*: <stdio\.h>|^src/base/crc32c_fold\.c:[0-9]*: <immintrin\.h>'
exceptions+='|^src/algos/lda/sampler_parts\.h:[0-9]*: <immintrin\.h>'

judge_include() { # FILE LINE FOLDER INCLUDED
    local first=${4%%/*}
    case $4 in
    '<'*)
        local name=${4#<}
        name=${name%.h>}
        if [[ $name == simgrid/* || $name == xbt/* ]] && [ "$3" != sim ]; then
            echo "$1:$2: only src/sim includes $4"
        elif [ -n "${may_use[$3]-}" ]; then
            local allowed
            for allowed in ${may_use[$3]}; do
                [[ $name =~ ^$allowed$ ]] && return
            done
            [[ "$1:$2: $4" =~ $exceptions ]] || echo "$1:$2: src/$3 may not include $4"
        fi
        ;;
    *..*) echo "$1:$2: \"$4\" climbs out of its folder" ;;
    */*)
        case " ${may_include[$3]-} " in
        *" $first "*) ;;
        *) echo "$1:$2: src/$3 may not include \"$4\"" ;;
        esac
        ;;
    *) [ -e "${1%/*}/$4" ] || [ -e "${1%/*}/$4.in" ] || echo "$1:$2: \"$4\" is not beside it and does not name its folder" ;;
    esac
}

# FILE:LINE:INCLUDED of all of them; names in quotes without these.
while IFS=: read -r file line included; do
    folder=${file#src/}
    judge_include "$file" "$line" "${folder%%/*}" "$included"
done < <(grep -rnE --include='*.[ch]' '^ *# *include' src 2>/dev/null | sort |
    sed -nE 's/^([^:]*:[0-9]*:) *# *include +(<[^>]*>|"[^"]*").*/\1\2/; T; s/"//g; p') >>"$found"

# A public header includes public headers alone.
grep -rnE '^ *# *include +"' include 2>/dev/null | grep -v '"tortoise/' |
    sed 's/$/   (a public header includes what is not public)/' >>"$found"

# No code above a port knows which world it is in.
for folder in src/ps src/node src/algos; do
    [ -d "$folder" ] && grep -rniE 'simgrid|simulat' "$folder" | sed 's/$/   (asks which world it is in)/' >>"$found"
done

cat "$found"
[ ! -s "$found" ]
