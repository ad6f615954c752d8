#!/usr/bin/env bash
# installs.sh ROOT: what ./check and ./demo do on a machine where packages are missing: they say what they install,
# install that and no more, go through sudo only where they must, and end with 2 where they cannot.
# shellcheck disable=SC2016 # the single quotes hold scripts
set -uo pipefail
root=${1:?a tree}
bin=${TORTOISE_SCRATCH:?a folder}/bin
log=$TORTOISE_SCRATCH/log
failed=0

command_that() { # NAME BODY
    printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

# A machine of our own: everything is installed but gnuplot-nox and clang; we are root.
machine() {
    rm -rf "$bin" "$log"
    mkdir -p "$bin"
    : >"$log"
    local tool
    for tool in bash grep tail sed cat tr env; do
        ln -s "$(command -v "$tool")" "$bin/$tool"
    done
    command_that dpkg-query 'case "${@: -1}" in gnuplot-nox | clang) exit 1 ;; esac; printf installed'
    command_that apt-get 'echo "apt-get $*" >>'"$log"
    command_that id 'echo 0'
}

# case_of NAME EXIT OUTPUT LOG: runs the installer for ./check and compares (patterns; LOG empty: nothing ran).
case_of() {
    local output status
    output=$(cd "$root" && PATH=$bin bash -c '. scripts/packages.sh && packages_install build check' 2>&1)
    status=$?
    local ran
    ran=$(tr '\n' ';' <"$log")
    if [ "$status" -eq "$2" ] && [[ $output =~ $3 ]] && { [ -z "$4" ] && [ -z "$ran" ] || [ -n "$4" ] && [[ $ran =~ $4 ]]; }; then
        echo "ok: $1"
    else
        printf 'WRONG: %s: exit %d\n%s\nran: %s\n' "$1" "$status" "$output" "$ran"
        failed=$((failed + 1))
    fi
}

machine
case_of 'root installs what is missing and no more' 0 '^Installing with apt-get: gnuplot-nox clang$' \
    '^apt-get -qq update;apt-get .*install gnuplot-nox clang;$'
machine
command_that dpkg-query 'printf installed'
case_of 'nothing is missing, nothing runs' 0 '^Nothing to install\.$' ''
machine
command_that id 'echo 1000'
command_that sudo 'echo "sudo" >>'"$log"'; exec "$@"'
case_of 'others go through sudo and say so' 0 '^Installing with sudo apt-get: gnuplot-nox clang$' \
    '^sudo;apt-get -qq update;sudo;apt-get .*install gnuplot-nox clang;$'
machine
command_that id 'echo 1000'
case_of 'without sudo it says what to do' 2 'As root: apt-get install gnuplot-nox clang' ''
machine
command_that apt-get 'echo "no network" >&2; exit 100'
case_of 'a failing apt-get ends it' 2 'no network.*could not install' ''
machine
rm "$bin/apt-get"
case_of 'another distribution is told the list' 0 'cmake/packages.txt' ''
[ "$failed" -eq 0 ]
