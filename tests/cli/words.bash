# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of oauth.bash, and more:
#
#   doctor_finds VERDICT CHECK MESSAGE [REMEDY]
#                             doctor's findings have one whose message and remedy contain these
#   doctor_is VERDICT         the worst finding

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

# What a command says on stderr, without what it prints.
complaint_of() { "$@" 2>&1 >/dev/null || true; }
