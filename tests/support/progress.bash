# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What ./dev says on stderr while something takes long, unless `quiet` is set.

quiet=

# doing WORDS: says on stderr what takes long. On a terminal it is a line that the next one replaces; finished clears it.
doing() {
    [[ ! $quiet ]] || return 0
    if [[ -t 2 ]]; then printf '\r\e[Kdev: %.*s ...' $((${COLUMNS:-80} - 10)) "$*" >&2; else echo "dev: $* ..." >&2; fi
}
finished() { [[ $quiet || ! -t 2 ]] || printf '\r\e[K' >&2; }

# watched WORDS COMMAND...: runs COMMAND and, on a terminal, follows what it prints, which is shown whole only if it fails.
watched() {
    local what=$1 log line status=0
    log=$(mktemp)
    doing "$what"
    if [[ -t 2 && ! $quiet ]]; then
        { "${@:2}" 2>&1 || echo $? >"$log.status"; } | tee "$log" | while IFS= read -r line; do doing "$what: ${line##*$'\r'}"; done
    else
        "${@:2}" >"$log" 2>&1 || echo $? >"$log.status"
    fi
    finished
    if [[ -e $log.status ]]; then
        status=$(<"$log.status")
        cat "$log" >&2
    fi
    rm -f "$log" "$log.status"
    return "$status"
}
