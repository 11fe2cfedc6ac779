# SPDX-License-Identifier: Apache-2.0
# Completes the words of oci-oauth(1) in bash. Needs nothing but bash 4.
# shellcheck shell=bash

_oci_oauth_engines='podman crio docker containerd cdi systemd'

_oci_oauth_profiles() {
    "$1" "${@:2}" status --json 2>/dev/null | sed -n 's/^      "name": "\(.*\)",$/\1/p'
}

_oci_oauth() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local verb='' config=() words='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == --config ]]; then
            ((++i))
            config=(--config "${COMP_WORDS[i]}")
        elif [[ ! $verb ]]; then
            verb=${COMP_WORDS[i]}
        fi
    done
    COMPREPLY=()
    case $previous in
        --config | --credentials | --root | --exchange)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --format) words='raw json header' ;;
        --min-ttl) words='5m 30m 1h' ;;
        *)
            case $verb in
                '') words='--config --help refresh status token doctor install uninstall sinks serve exchange units' ;;
                refresh) words="--force --offline --help $(_oci_oauth_profiles "$program" "${config[@]}")" ;;
                status) words='--json --prometheus --watch --help' ;;
                token) words="--min-ttl --format --help $(_oci_oauth_profiles "$program" "${config[@]}")" ;;
                doctor) words='--json --try --help' ;;
                install) words="--default --credentials --dry-run --root --help $_oci_oauth_engines" ;;
                uninstall) words="--all --dry-run --root --help $_oci_oauth_engines" ;;
                sinks) words="--help $(_oci_oauth_profiles "$program" "${config[@]}")" ;;
                serve) words='--exchange --help' ;;
                *) words='--help' ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _oci_oauth oci-oauth
