#!/bin/sh
# Installs what is missing on a Debian 12 machine, and nothing else: a complete machine needs neither
# the network nor root.
#
# usage: tools/deps.sh build    what building and running the program takes
#        tools/deps.sh test     also what its tests, lint and fuzzers take
set -eu
level=${1:-test}
cd "$(dirname "$0")/.."

packages="gcc libc6-dev meson ninja-build pkg-config ca-certificates
    libuv1-dev libboost-context1.74-dev libsqlite3-dev libssl-dev zlib1g-dev libcrypt-dev libhiredis-dev
    libcurl4-openssl-dev libcmocka-dev"
case $level in
build) ;;
test) packages="$packages clang libclang-rt-14-dev clang-format clang-tidy
    valgrind nginx-light redis-server wrk chromium" ;;
*) echo "usage: tools/deps.sh build|test" >&2; exit 2 ;;
esac
command -v node >/dev/null || packages="$packages nodejs"
command -v npm >/dev/null || packages="$packages npm"

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "deps: these packages are missing and only root can install them; run as root:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "deps: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086 # A list of words is wanted.
    apt-get install -q -y --no-install-recommends $missing </dev/null
fi

# The npm packages are installed anew when the lock file is not the one that they were installed from.
installed=tests/node_modules/.installed-for
if ! cmp -s tests/package-lock.json "$installed-$level"; then
    omit=
    [ "$level" = test ] || omit="--omit=dev --omit=optional"
    if tools/node --version >/dev/null 2>&1; then omit="$omit --omit=optional"; fi
    echo "deps: installing npm packages"
    # shellcheck disable=SC2086 # A list of words is wanted.
    (cd tests && npm ci --no-progress $omit)
    cp tests/package-lock.json "$installed-build"
    [ "$level" = build ] || cp tests/package-lock.json "$installed-test"
fi
[ "$level" = build ] || tests/interop/install
echo "deps: everything for '$level' is installed"
