# SPDX-License-Identifier: Apache-2.0
# Completes the words of oci-oauth(1) in fish.

function __oci_oauth_profiles
    oci-oauth status --json 2>/dev/null | sed -n 's/^      "name": "\(.*\)",$/\1/p'
end

set -l verbs refresh status token doctor install uninstall sinks serve exchange units

complete -c oci-oauth -f
complete -c oci-oauth -n "not __fish_seen_subcommand_from $verbs" -l config -r -F -d 'read this configuration'
complete -c oci-oauth -l help -s h -d 'tell more'
complete -c oci-oauth -n __fish_use_subcommand -a refresh -d 'refresh what is due, publish it, update containers'
complete -c oci-oauth -n __fish_use_subcommand -a status -d 'how each login is, and who holds its token'
complete -c oci-oauth -n __fish_use_subcommand -a token -d 'print a valid access token'
complete -c oci-oauth -n __fish_use_subcommand -a doctor -d 'find what is wrong, and name what mends it'
complete -c oci-oauth -n __fish_use_subcommand -a install -d 'register with a container engine'
complete -c oci-oauth -n __fish_use_subcommand -a uninstall -d 'take the registration back'
complete -c oci-oauth -n __fish_use_subcommand -a sinks -d 'bring tokens to the sinks that lack them'
complete -c oci-oauth -n __fish_use_subcommand -a serve -d 'answer at a socket of systemd\'s who asks for a refresh'
complete -c oci-oauth -n __fish_use_subcommand -a exchange -d 'do what a connection of systemd\'s asks for: one exchange'
complete -c oci-oauth -n __fish_use_subcommand -a units -d 'write what systemd\'s units must know'
complete -c oci-oauth -n '__fish_seen_subcommand_from refresh token sinks' -a '(__oci_oauth_profiles)' -d profile
complete -c oci-oauth -n '__fish_seen_subcommand_from refresh' -l force -d 'also what is not due'
complete -c oci-oauth -n '__fish_seen_subcommand_from refresh' -l offline -d 'without the network'
complete -c oci-oauth -n '__fish_seen_subcommand_from status doctor' -l json -d 'for scripts'
complete -c oci-oauth -n '__fish_seen_subcommand_from status' -l prometheus -d 'as metrics'
complete -c oci-oauth -n '__fish_seen_subcommand_from status' -l watch -d 'keep it current'
complete -c oci-oauth -n '__fish_seen_subcommand_from token' -l min-ttl -x -a '5m 30m 1h' -d 'how long it must still live'
complete -c oci-oauth -n '__fish_seen_subcommand_from token' -l format -x -a 'raw json header' -d 'how it is printed'
complete -c oci-oauth -n '__fish_seen_subcommand_from serve' -l exchange -r -F -d 'where systemd starts exchanges'
complete -c oci-oauth -n '__fish_seen_subcommand_from doctor' -l try -d 'also start a throw-away container'
complete -c oci-oauth -n '__fish_seen_subcommand_from install uninstall' -a 'podman crio docker containerd cdi systemd'
complete -c oci-oauth -n '__fish_seen_subcommand_from install uninstall' -l dry-run -d 'only show what would be done'
complete -c oci-oauth -n '__fish_seen_subcommand_from install uninstall' -l root -r -F -d 'in this tree'
complete -c oci-oauth -n '__fish_seen_subcommand_from install' -l default -d 'make it Docker\'s default runtime'
complete -c oci-oauth -n '__fish_seen_subcommand_from install' -l credentials -r -F -d 'write a configuration for this login'
complete -c oci-oauth -n '__fish_seen_subcommand_from uninstall' -l all -d 'every engine'
