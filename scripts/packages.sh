# Installs what is missing of cmake/packages.txt. For ./check and ./demo, which source it in the root of the
# repository.
# shellcheck shell=bash

# packages_missing WHO...: those of the list's packages for WHO that are not installed.
packages_missing() {
    local package who
    while read -r package who _; do
        case " $* " in
        *" $who "*)
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
            ;;
        esac
    done < <(grep -v '^#' cmake/packages.txt)
}

# packages_install WHO...: says what it installs, then does it, as root or through sudo.
packages_install() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian or Ubuntu: install by hand what cmake/packages.txt lists. Going on."
        return 0
    fi
    local -a missing as_root=()
    mapfile -t missing < <(packages_missing "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        echo "Nothing to install."
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
        if ! command -v sudo >/dev/null; then
            echo "Missing, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
            return 2
        fi
    fi
    echo "Installing with ${as_root[*]:+sudo }apt-get: ${missing[*]}"
    if ! "${as_root[@]}" apt-get -qq update ||
        ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
            install "${missing[@]}" >/dev/null; then
        echo "apt-get could not install them; its messages are above." >&2
        return 2
    fi
}
