#!/usr/bin/env bash
# links.sh ROOT: every relative link of the documentation leads to a file. Exit code 1 if one does not.
set -uo pipefail
cd "${1:?a tree}" || exit 2
status=0 count=0
while IFS=: read -r file line link; do
    target=${link#](}
    target=${target%)}
    target=${target%%#*}
    case $target in
    '' | http:* | https:* | mailto:*) continue ;;
    esac
    count=$((count + 1))
    if [ ! -e "$(dirname "$file")/$target" ]; then
        echo "$file:$line: there is no $target"
        status=1
    fi
done < <(find . -name '*.md' -not -path './build*' -not -path './out/*' -not -path './.git/*' -print0 | sort -z |
    xargs -0 -r grep -noHE '\]\([^) ]+\)')
echo "$count links"
[ "$status" -eq 0 ]
