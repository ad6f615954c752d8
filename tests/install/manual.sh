#!/usr/bin/env bash
# manual.sh: the manual pages and the completion have every option of every command and algorithm, as `help` lists
# them; groff has nothing to complain of; and what bash completes is what the program takes.
set -uo pipefail
tortoise=${TORTOISE:?a program}
scratch=${TORTOISE_SCRATCH:?a folder}/manual
failed=0

wrong() {
    printf 'WRONG: %s\n' "$1"
    failed=$((failed + 1))
}

# lists_all PAGE HELP...: every option that the help has is in the page (roff writes "-" as "\-").
lists_all() {
    local page=$1 text option missing=''
    shift
    text=$(sed 's/\\-/-/g' "$page")
    for option in $(printf '%s\n' "$@" | grep -oE '^  --[a-z0-9-]+'); do
        grep -qE -- "(^|[^a-z-])$option([^a-z0-9-]|\$)" <<<"$text" || missing+=" $option"
    done
    [ -z "$missing" ] || { echo "not in ${page##*/}:$missing" && return 1; }
}

rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch" || exit 2
"$tortoise" help --out . || wrong 'help --out failed'
mapfile -t commands < <("$tortoise" help | sed -n 's/^  tortoise \([a-z]*\) .*/\1/p')
mapfile -t algorithms < <("$tortoise" help | sed -n 's/^algorithms: //p' | tr -d ',' | tr ' ' '\n')
[ "${#commands[@]}" -ge 10 ] || wrong "only these commands: ${commands[*]}"
option_count=0
for command in "${commands[@]}"; do
    help=$("$tortoise" "$command" --help)
    if [ "$command" = sim ] || [ "$command" = run ]; then
        for algorithm in "${algorithms[@]}"; do
            help+=$'\n'$("$tortoise" help "$command" "$algorithm")
        done
    fi
    option_count=$((option_count + $(grep -c '^  --' <<<"$help")))
    lists_all "tortoise-$command.1" "$help" || wrong "the page of $command lacks options"
    lists_all tortoise.bash "$help" || wrong "the completion lacks options of $command"
    "$tortoise" help "$command" --man | cmp -s - "tortoise-$command.1" || wrong "help $command --man differs"
done
"$tortoise" help --man | cmp -s - tortoise.1 || wrong 'help --man differs'
echo "${#commands[@]} commands, ${#algorithms[@]} algorithms, $option_count options"
[ "$option_count" -gt 50 ] || wrong 'too few options'
for file in tortoise-sim.1 tortoise.bash; do
    sed 's/--straggler//; s/\\-\\-straggler//' "$file" >planted
    lists_all planted "$("$tortoise" help sim)" >/dev/null && wrong "an option that is not in $file was not missed"
done

if command -v groff >/dev/null; then
    for page in *.1; do
        complaints=$(groff -man -Tutf8 -P-cbou -ww "$page" 2>&1 >page.txt)
        [ -z "$complaints" ] || wrong "$page: $complaints"
        grep -q '^NAME' page.txt || wrong "$page has no NAME"
    done
    printf '.TH X 1\n.SH NAME\nx\n.XX\n' >planted.1
    [ -n "$(groff -man -Tutf8 -P-cbou -ww planted.1 2>&1 >/dev/null)" ] || wrong 'groff does not complain of a bad page'
else
    echo 'without groff: pages are not rendered'
fi

# shellcheck source=/dev/null
. ./tortoise.bash || wrong 'the completion cannot be sourced'

# completes "WORDS" EXPECTED...: the words end with the one to complete; all of EXPECTED, and "!X" is not among them.
completes() {
    local line=$1 expected given
    shift
    read -ra COMP_WORDS <<<"$line"
    [[ $line != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _tortoise
    given=$(printf '%s\n' "${COMPREPLY[@]}")
    for expected in "$@"; do
        if [[ $expected == !* ]]; then
            grep -qxF -- "${expected#!}" <<<"$given" && wrong "'$line' gives ${expected#!}"
        else
            grep -qxF -- "$expected" <<<"$given" ||
                wrong "'$line' does not give $expected but: ${COMPREPLY[*]}"
        fi
    done
}

touch ratings.txt
mkdir -p folder
completes 'tortoise ' "${commands[@]}" '!mf'
completes 'tortoise sw' sweep '!sim'
completes 'tortoise sim ' "${algorithms[@]}" '!sim'
completes 'tortoise sim mf --str' --straggler '!--data'
completes 'tortoise run mf --' --policy --help --rank '!--straggler' '!--bash-completion'
completes 'tortoise run --' --policy '!--rank'
completes 'tortoise run mf --policy ' bsp ssp: essp: async vap: '!--policy'
completes 'tortoise run mf --policy = e' essp: '!bsp'
completes 'tortoise run mf --policy ssp : ' '!bsp' '!--data'
completes 'tortoise sim mf --net ' nic flow
completes 'tortoise sim mf --nodes ' '!--data' '!mf'
completes 'tortoise sim mf --force ' --policy '!mf'
completes 'tortoise run mf --format j' json '!text'
completes 'tortoise run mf --data ' ratings.txt folder '!--data'
completes 'tortoise run mf --out ' folder '!ratings.txt'
completes 'tortoise sweep ' ratings.txt
completes 'tortoise report ' folder '!ratings.txt'
completes 'tortoise data ' gen info convert match
completes 'tortoise bench ' core transport
completes 'tortoise help ' sim doctor
completes 'tortoise doctor --format ' text json
completes 'tortoise launch --program ' ratings.txt '!--data'
completes 'tortoise launch -n 2 -- ru' run
completes 'mpirun -- ru' run
completes 'mpirun -- run mf --pol' --policy
echo "$failed wrong"
[ "$failed" -eq 0 ]
