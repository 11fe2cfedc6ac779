# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc rootlesskit slirp4netns newuidmap ip
# Docker as a person's own daemon, by Docker's own script, with the wrapper as its default runtime.

# Not below /run, which is another directory for the daemon.
operator_place=/mnt
docker_home=$operator_place/docker
load docker

readonly chosen=(--tmpfs /run/secrets/claude)
readonly variable_of_a_person=/mine

as_the_person() {
    local OPERATOR_HOME=$operator_place/home XDG_RUNTIME_DIR=$operator_place/run
    as_operator "$@"
}

# Ends with its parent, which is what the tests know.
dockerd_in_place() { as_the_person setpriv --pdeathsig TERM env DOCKERD_ROOTLESS_ROOTLESSKIT_NET=slirp4netns "$(rootless_script)" "$@"; }
docker_in_place() { docker --host "$socket" "$@"; }
rootless_script() { command -v dockerd-rootless.sh || echo /usr/share/docker.io/contrib/dockerd-rootless.sh; }

registered() {
    mount -t tmpfs -o mode=755 tmpfs "$operator_place"
    install -d -o "$OPERATOR_ID" -g "$OPERATOR_ID" "$docker_home" "$operator_place"/{home,run}
    chmod 666 /dev/net/tun # as udev has it
    as_the_person mkdir -p "$operator_place/home/.config"/{oci-oauth,systemd/user}
    # The unit is there, as dockerd-rootless-setuptool.sh writes it.
    printf '[Service]\nExecStart=%s\n' "$(rootless_script)" >"$operator_place/home/.config/systemd/user/docker.service"
    echo '{"profiles": {"claude": {"credentials": "/nowhere"}}}' >"$operator_place/home/.config/oci-oauth/config.json"
    as_the_person oci-oauth install docker --default
}
deregistered() {
    as_the_person oci-oauth uninstall docker
    [[ ! -e $operator_place/home/.config/docker ]]
}
