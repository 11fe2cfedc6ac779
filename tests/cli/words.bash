# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of oauth.bash, and more:
#
#   doctor_finds VERDICT CHECK MESSAGE [REMEDY]
#                             doctor's findings have one whose message and remedy contain these
#   doctor_is VERDICT         the worst finding
#   complains PROGRAM CODE WHAT HINT COMMAND...
#                             COMMAND, a call of PROGRAM's, exits with CODE; stderr is WHAT, and HINT in a second line: patterns
#   logs PROGRAM WHAT HINT COMMAND...
#                             COMMAND exits with 0, and the last that PROGRAM logs meanwhile is WHAT, with HINT

load "${BASH_SOURCE[0]%/*}/../runtimes/oauth"
bats_require_minimum_version 1.5.0

PATH=$OCI_OAUTH_PREFIX/bin:$PATH

# A login of another user's, in a home of its own: root must not open it itself.
readonly somebody=59999

findings() { oci_oauth doctor --json 2>&1 || true; }

doctor_finds() {
    local found
    found=$(findings)
    jq --exit-status --arg verdict "$1" --arg check "$2" --arg message "$3" --arg remedy "${4:-}" '.findings
        | any(.verdict == $verdict and (.check | contains($check)) and (.message | contains($message))
            and ((.remedy // "") | contains($remedy)))' <<<"$found" >/dev/null && return
    echo "no such finding: $*" >&2
    jq . <<<"$found" >&2
    return 1
}

doctor_is() { [[ $(findings | jq -r .verdict) == "$1" ]]; }

# shellcheck disable=SC2053,SC2154
complains() {
    run "-$2" --separate-stderr "${@:5}"
    [[ $stderr == "$1: error: "$3$'\n'"hint: "$4 && $stderr != *sk-ant-* ]] && return
    printf 'expected: %s: error: %s\nhint: %s\ngot: %s\n' "$1" "$3" "$4" "$stderr" >&2
    return 1
}

# shellcheck disable=SC2027,SC2053
logs() {
    local before said
    before=$(logged | wc -l)
    run -0 "${@:4}"
    said=$(logged | tail -n "+$((before + 1))")
    [[ $said != *sk-ant-* && $(grep -F " $1[" <<<"$said" | tail -n 1) == *" $1["*"]: "$2"; hint: "$3 ]] && return
    printf 'expected: %s: %s; hint: %s\ngot: %s\n' "$1" "$2" "$3" "$said" >&2
    return 1
}

# What a command says on stderr, without what it prints.
complaint_of() { "$@" 2>&1 >/dev/null || true; }
