# shellcheck shell=bash
# For scripts that look at the program from outside: claims that are counted where they fail. A script sources this file,
# checks, and ends with checks_end.
failures=0
refused_command=() # what refused() puts before its arguments

# check CLAIM TEXT: TEXT, as bash, must be true.
check() {
    if ! eval "$2"; then
        echo "FAIL: $1: $2"
        failures=$((failures + 1))
    fi
}

# refused WORDS... -- ARGUMENTS...: exit code 2, one line that has the words, nothing on standard output, and nothing
# is left as "bad".
# shellcheck disable=SC2016 # check() evaluates its text
refused() {
    local words=() word
    while [ "$1" != -- ]; do words+=("$1") && shift; done
    shift
    timeout 20 "$TORTOISE" "${refused_command[@]}" "$@" >refused.txt 2>refused.err
    local code=$?
    check "refused: $*" "[ $code = 2 ] && [ ! -s refused.txt ] && [ \$(wc -l <refused.err) = 1 ] && [ ! -e bad ]"
    for word in "${words[@]}"; do check "$* says $word" 'grep -qF -e "$word" refused.err'; done
}

checks_end() {
    echo "$failures failures"
    exit $((failures > 0))
}
