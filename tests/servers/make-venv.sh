#!/bin/sh
# Make a virtual environment with Python 3.11 or 3.12, unless it is there: make-venv.sh FOLDER
set -eu
folder=$1

is_ours() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null
}

# Debian keeps ensurepip, without which there is no pip in the environment, in a package of its own.
find_python() {
    python='' without_venv=''
    for name in python3.11 python3.12 python3; do
        if is_ours "$name"; then
            if "$name" -c 'import ensurepip' 2>/dev/null; then python=$name; return; fi
            without_venv=$name
        fi
    done
}

install() {
    if [ "$(id -u)" = 0 ]; then sudo=''
    elif sudo -n true 2>/dev/null; then sudo='sudo -n'
    else return 0
    fi
    command -v apt-get >/dev/null || return 0
    echo "Python: installing $1 with apt…" >&2
    { $sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$1"; } </dev/null >&2 || true
}

[ -x "$folder/bin/pip" ] && is_ours "$folder/bin/python" && exit 0
find_python
if [ -z "$python" ]; then
    package=${without_venv:-python3}-venv
    install "$package"
    find_python
fi
if [ -z "$python" ]; then
    echo "Python 3.11 or 3.12 with venv is needed. Type: sudo apt-get install -y $package" >&2
    exit 1
fi
rm -rf "$folder"
"$python" -m venv "$folder"
