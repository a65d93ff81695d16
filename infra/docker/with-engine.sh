#!/usr/bin/env bash
# with-engine.sh COMMAND…   runs it with a Docker engine: the one that answers already, or else the one that the
# script named by HEELRISE_DOCKER_ENGINE brings up (it understands `up`, `env`, `status` and `down`), for as long
# as COMMAND runs.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: with-engine.sh COMMAND…" >&2; exit 2; }

reachable() {
    command -v docker >/dev/null && docker version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1
}

if reachable; then exec "$@"; fi

engine=${HEELRISE_DOCKER_ENGINE:-}
if [ -z "$engine" ]; then
    echo "No Docker engine with compose answers here. Start one, or name a script that can in" >&2
    echo "HEELRISE_DOCKER_ENGINE (it is called with up, env, status, down)." >&2
    exit 1
fi

if ! "$engine" status >/dev/null 2>&1; then
    trap '"$engine" down' EXIT
fi
"$engine" up
eval "$("$engine" env)"
reachable || { echo "$engine came up, but no Docker engine with compose answers" >&2; exit 1; }
"$@"
