#!/usr/bin/env bash
# Runs the tests of platform/ in the edx-platform that setup.sh laid under ROOT, as the LMS or as Studio.
#
#   run.sh ROOT lms|cms [pytest arguments]
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")") ROOT=$1 SYSTEM=$2
shift 2
cd "$ROOT/edx"
printf '%s\n' '[pytest]' \
    'addopts = --nomigrations -p no:pytest_jsonreport -p no:cacheprovider -p no:randomly -p no:xdist' \
    'python_classes =' 'python_files = *.py' > "$ROOT/pytest.ini"
export PYTHONPATH=$HERE/platform NO_PREREQ_INSTALL=1 REAL_EDX_ROOT=$ROOT
exec ../venv/bin/python -m pytest -c "$ROOT/pytest.ini" --rootdir="$ROOT/edx" -p without_mongodb \
    --ds="$SYSTEM.envs.test" -W ignore -q --no-header --show-capture=no "${@:-$HERE/platform/$SYSTEM}"
