#!/usr/bin/env bash
# planted_bugs.sh CC: proves that the tests of the core can fail. Each file NAME.bug beside this script plants one
# bug in a copy of the core; the test that it names must then fail, and must pass without it. A bug that
# survives fails the test, and so does one whose place in the code is not found any more.
#
#     why: one line for people
#     file: src/ps/shard.c
#     caught by: PROGRAM TEST          a program of tests/core and one of its tests
#     <<<<
#     text that occurs in the file exactly once
#     ====
#     what it is replaced with
#     >>>>
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cc=${1:?a compiler}
scratch=${TORTOISE_SCRATCH:?a folder}/planted_bugs
rm -rf "$scratch"
mkdir -p "$scratch"/{objects,programs} "$scratch"/tree/{src,tests}
cp -r "$root/include" "$scratch/tree/"
cp -r "$root/src/base" "$root/src/ps" "$scratch/tree/src/"
cp -r "$root/tests/core" "$root/tests/support" "$scratch/tree/tests/"
cd "$scratch/tree" || exit 2

read -ra flags < <(pkg-config --cflags gsl cunit)
read -ra libraries < <(pkg-config --libs gsl cunit)
flags+=(-std=c11 -O1 -ffp-contract=off -fno-strict-aliasing -Iinclude -Isrc -Itests)
wrap='-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free'
jobs=$(nproc)

object_of() { # FILE
    local name=${1//\//_}
    echo "$scratch/objects/${name%.c}.o"
}

compile() { # FILE [OBJECT]
    "$cc" "${flags[@]}" -c "$1" -o "${2:-$(object_of "$1")}"
}

# Links PROGRAM of tests/core to OUT, with ANOTHER object in the place of that of SOURCE.
link_program() { # PROGRAM OUT [SOURCE ANOTHER]
    local objects=() each extra=()
    for each in src/base/*.c src/ps/*.c tests/core/core_{digest,world,claims}.c; do
        if [ "$each" = "${3-}" ]; then objects+=("$4"); else objects+=("$(object_of "$each")"); fi
    done
    if [ "$1" = explorer ]; then
        objects+=("$(object_of tests/core/core_arena.c)")
        extra=("$wrap")
    fi
    "$cc" "${objects[@]}" "$(object_of "tests/core/$1.c")" "${extra[@]}" "${libraries[@]}" -lm -o "$2"
}

# Reads the fields of a bug: why, file, program, claim, old, new.
read_bug() { # BUG
    local line state=head
    why='' file='' program='' claim='' old='' new=''
    while IFS= read -r line; do
        case $state:$line in
        'head:why: '*) why=${line#why: } ;;
        'head:file: '*) file=${line#file: } ;;
        'head:caught by: '*) read -r program claim <<<"${line#caught by: }" ;;
        'head:<<<<') state=old ;;
        'old:====') state=new ;;
        'new:>>>>') state=whole ;;
        old:*) old+=$line$'\n' ;;
        new:*) new+=$line$'\n' ;;
        esac
    done <"$1"
    [ "$state" = whole ] && [ -n "$why" ] && [ -n "$claim" ] && [ -f "$file" ]
}

# Plants the bug that was read, into a copy of its file for OBJECT.
plant() { # NAME OBJECT
    local content before after rest planted
    content=$(cat "$file" && echo .)
    content=${content%.}
    before=${content%%"$old"*}
    if [ "$before" = "$content" ]; then
        echo "$1: its place in $file is not there any more"
        return 1
    fi
    after=${content#*"$old"}
    rest=${after%%"$old"*}
    if [ "$rest" != "$after" ]; then
        echo "$1: its place in $file is there twice"
        return 1
    fi
    planted=$before$new$after
    mkdir -p "$scratch/planted/$1/ps"
    printf '%s' "$planted" >"$scratch/planted/$1/ps/$(basename "$file")"
    [[ $file == *.h ]] || compile "$scratch/planted/$1/ps/$(basename "$file")" "$2"
}

# Builds PROGRAM anew to OUT with the planted header of bug NAME before all others.
build_with_header() { # PROGRAM OUT NAME
    local extra=()
    [ "$1" = explorer ] && extra=(tests/core/core_arena.c "$wrap")
    "$cc" "-I$scratch/planted/$3" "${flags[@]}" src/base/*.c src/ps/*.c \
        tests/core/core_{digest,world,claims}.c "tests/core/$1.c" "${extra[@]}" "${libraries[@]}" -lm -o "$2"
}

# Builds the named program with the bug that was read.
build_planted() { # NAME
    local object=$scratch/objects/$1.bug.o
    plant "$1" "$object" || return 1
    if [[ $file == *.h ]]; then
        build_with_header "$program" "$scratch/programs/$1" "$1"
    else
        link_program "$program" "$scratch/programs/$1" "$file" "$object"
    fi
}

run() { # PROGRAM-FILE CLAIM
    timeout 120 "$1" "$2" >"$1.log" 2>&1
}

failed=0 caught=0
shopt -s nullglob
for source in src/base/*.c src/ps/*.c tests/core/*.c; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    compile "$source" &
done
wait

declare -A is_sound=()
for bug in "$here"/*.bug; do
    name=$(basename "$bug" .bug)
    if ! read_bug "$bug"; then
        echo "$name: is not written as it should be"
        failed=$((failed + 1))
        continue
    fi
    sound=$scratch/programs/$program
    [ -x "$sound" ] || link_program "$program" "$sound"
    if [ -z "${is_sound[$program $claim]-}" ]; then
        is_sound[$program $claim]=no
        run "$sound" "$claim" && is_sound[$program $claim]=yes
    fi
    if [ "${is_sound[$program $claim]}" = no ]; then
        echo "$name: $program $claim fails without the bug, or does not exist"
        failed=$((failed + 1))
        continue
    fi
    if ! build_planted "$name"; then
        failed=$((failed + 1))
        continue
    fi
    run "$scratch/programs/$name" "$claim"
    status=$?
    if [ "$status" -eq 1 ]; then
        said=$(grep -m 1 -oE 'VIOLATED: .*' "$scratch/programs/$name.log")
        echo "caught: $name ($why) by $program $claim${said:+: ${said#VIOLATED: }}"
        caught=$((caught + 1))
    else
        echo "SURVIVED: $name ($why): $program $claim ended with $status"
        failed=$((failed + 1))
    fi
done
echo "$caught planted bugs were caught, $failed were not"
[ "$failed" -eq 0 ] && [ "$caught" -ge 12 ]
