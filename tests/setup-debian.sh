#!/bin/sh
# Installs what the tests need from Debian, and only what is missing; starts no service.
#
#   tests/setup-debian.sh           the programs that tests run
#   tests/setup-debian.sh venv      what `python3 -m venv` needs
#
# Without root, sudo or apt-get it says what is missing and goes on, since those tests are skipped; with CI=true it exits 1.
set -u

need() { # need PACKAGE COMMAND...: PACKAGE is wanted if COMMAND fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || wanted="$wanted $package"
}
program() { command -v "$1"; }
file() { for path in "$@"; do [ -e "$path" ] && return; done; return 1; }

wanted=
if [ "${1-tests}" = venv ]; then
    need python3-venv false
else
    need prometheus program prometheus
    need prometheus-alertmanager program prometheus-alertmanager
    need chromium program chromium
    need postgresql file /usr/lib/postgresql/*/bin/initdb
    need pgbouncer file /usr/sbin/pgbouncer
    need strace program strace
    need systemd program systemd-analyze
    need wrk program wrk
    need gcc program cc
    need libc6-dev file /usr/include/stdlib.h
    need fiu-utils program fiu-run
fi
[ -n "$wanted" ] || exit 0

give_up() {
    echo "setup-debian: missing:$wanted ($1)" >&2
    [ "${CI-}" = true ] && exit 1
    exit 0
}

command -v apt-get >/dev/null || give_up "no apt-get here; install them by hand"
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || give_up "neither root nor sudo"
    as_root=sudo
    # Never hang on a password that nobody is there to type.
    [ -t 0 ] || as_root="sudo -n"
    $as_root true 2>/dev/null || give_up "sudo refused"
fi

# Debian's packages start their services when installed, unless this file says no (exit status 101).
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$as_root rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
fi

echo "setup-debian: installing$wanted"
$as_root apt-get -q update || echo "setup-debian: apt-get update failed; trying the lists that are here" >&2
# shellcheck disable=SC2086  # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $wanted ||
    give_up "apt-get install failed"

# Nor shall they start at the next boot: only those that came just now, never one that somebody uses.
if command -v systemctl >/dev/null; then
    for package in $wanted; do
        case $package in
        prometheus | prometheus-alertmanager | postgresql | pgbouncer)
            $as_root systemctl --quiet disable "$package" || give_up "could not disable $package" ;;
        esac
    done
fi
