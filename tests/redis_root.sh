#!/usr/bin/env bash
# A redis-server of another Debian, for the tests that say which versions they ran on. Nothing is installed on this machine.
#
#   tests/redis_root.sh bullseye build/redis-6      # prints the program to start: build/redis-6/redis-server
#   tests/redis_root.sh trixie build/valkey valkey-server
#   ASYNCSTREAM_REDIS_SERVERS=build/redis-6/redis-server .venv/bin/python -m pytest -m system tests/relay tests/faults
#
# Needs mmdebstrap. bullseye has Redis 6.0, bookworm 7.0, trixie 8.0, and Valkey; a fourth argument is a
# mirror of Debian other than the usual one. Several programs are separated by colons; what is set replaces the redis-server of this machine in the tests.
set -euo pipefail
suite=$1
root=$(realpath -m "$2")
server=${3:-redis-server}

if [ ! -x "$root/$server" ]; then
    # What is only unpacked needs no mounts, so this works within containers too.
    mmdebstrap --quiet --variant=extract --include="$server" --aptopt='Acquire::Check-Valid-Until "false"' \
        "$suite" "$root" ${4:+"$4"}
    loader=$(find "$root" -type f \( -name 'ld-linux*.so.*' -o -name 'ld-[0-9]*.so' \) | head -n 1)
    libraries=$(find "$root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd :)
    # By its own loader and libraries, not within a chroot: so it can be killed like any other program.
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' \
        "$loader" "$libraries" "$root/usr/bin/$server" >"$root/$server"
    chmod +x "$root/$server"
fi
"$root/$server" --version >&2
echo "$root/$server"
