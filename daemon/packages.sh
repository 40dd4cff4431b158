# Sourced by daemon/demo.sh and tests/run.sh: installs Debian packages that are not there yet.
# shellcheck shell=bash disable=SC2034

# What building reeld takes. Boost 1.81 stands beside Debian's default 1.74; their unversioned -dev
# packages cannot both be there.
build_packages=(
    g++ cmake ninja-build ccache pkg-config
    libboost1.81-dev libboost-json1.81-dev libsqlitecpp-dev libsqlite3-dev libfmt-dev doctest-dev
    libcli11-dev libtomlplusplus-dev libvalijson-dev libsystemd-dev libssl-dev
)

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages NAME…; as root, or with sudo.
install_packages() {
    local package missing=() as_root=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return 0
    echo "installing: ${missing[*]}"
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "neither root nor sudo: install these packages first: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends "${missing[@]}"
}
