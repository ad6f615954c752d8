#!/usr/bin/env bash
# headers.sh ROOT CC: every header compiles alone. Exit code 1 if one does not.
set -uo pipefail
cd "${1:?a tree}" || exit 2
cc=${2:?a compiler}
mapfile -t flags < <(pkg-config --cflags gsl jansson libconfig 2>/dev/null | tr -s ' ' '\n' | grep .)
flags+=(-D_GNU_SOURCE -Iinclude -Isrc -Itests)
status=0 count=0
while read -r header; do
    count=$((count + 1))
    if ! printf '#include "%s"\n#include "%s"\nextern int nothing_else;\n' "$PWD/$header" "$PWD/$header" |
        "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -Wno-unused-function -fsyntax-only "${flags[@]}" -x c -; then
        echo "$header: does not compile alone, or not twice"
        status=1
    fi
done < <(find include src tests -name '*.h' -not -path '*/planted/*' 2>/dev/null | sort)
echo "$count headers"
[ "$count" -gt 0 ] && [ "$status" -eq 0 ]
