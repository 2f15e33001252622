#!/bin/sh
# Installs what the tests need from the system: a browser, fonts with Hangul and emoji, and PostgreSQL for a private
# server. Does nothing when all is there.
set -eu
packages="chromium fonts-noto-cjk fonts-noto-color-emoji postgresql"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "system-packages: this is no Debian; install the counterparts of:$missing" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "system-packages: not root; run: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
