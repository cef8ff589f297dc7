#!/usr/bin/env bash
# Lays edx-platform with the project in it, for edx-platform's own test harness (SQLite, no MongoDB).
#
#   setup.sh GITDIR PROJECT ROOT [COMMIT]
#
# GITDIR   a clone of an edx-platform of the Teak line (Python 3.11), bare or not
# PROJECT  checkout of the project
# ROOT     an empty folder, for the code, a virtual environment and caches; about 5 minutes
# COMMIT   one whose URLs load; the newest unless given
set -euo pipefail
GITDIR=$1 PROJECT=$2 ROOT=$3 COMMIT=${4:-HEAD}
mkdir -p "$ROOT/edx" "$ROOT/run"
cd "$ROOT"

# Headers that two of edX's packages are built with.
PACKAGES="default-libmysqlclient-dev libxmlsec1-dev pkg-config"
if ! dpkg -s $PACKAGES >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq $PACKAGES
fi

# A shallow copy may lack its largest files, which nothing here needs.
git -C "$GITDIR" archive "$COMMIT" -- . ':!common/static/data/geoip' 2>/dev/null | tar x -C edx || true
[ -d edx/lms ] || { echo "no edx-platform at $COMMIT of $GITDIR" >&2; exit 1; }
mkdir -p edx/test_root/log

# uv, in an environment of its own: pip takes half an hour for edX's requirements.
python3.11 -m venv venv
python3.11 -m venv uvenv
uvenv/bin/pip install -q uv
echo 'setuptools<81' > constraints.txt # some packages of edX's still ask for pkg_resources
grep -vE '^-e git|^-e \.|^ *#|^mysqlclient' edx/requirements/edx/testing.txt > requirements.txt
export VIRTUAL_ENV=$ROOT/venv UV_CACHE_DIR=$ROOT/uvcache UV_CONCURRENT_BUILDS=1
export SSL_CERT_FILE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
uvenv/bin/uv pip install -q --build-constraint constraints.txt --constraint constraints.txt -r requirements.txt
uvenv/bin/uv pip install -q 'setuptools<81' pip mongomock==4.3.0
(cd edx && ../venv/bin/pip install -q --no-deps -e .)

# The project as a platform's team installs it, with nothing that Open edX does not have; and what
# a store in an SQLite file needs, for the tests of a block without an outbox.
venv/bin/pip install -q -e "$PROJECT"
venv/bin/pip check
venv/bin/pip install -q 'SQLAlchemy>=2.0.30'
touch ready
