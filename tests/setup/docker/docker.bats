# SPDX-License-Identifier: Apache-2.0
# oci-oauth setup under a Docker daemon that runs: it reads its file again, and a container of its has the token.
load ../../cli/words
load daemon

setup() {
    oauth_setup
    mkdir -p "$docker_home"/{bin,work} /etc/docker /run/lab/lib
    mount --bind /run/lab/lib /var/lib
    # The one engine of this host is Docker.
    mount -t overlay -o "lowerdir=/usr/bin,upperdir=$docker_home/bin,workdir=$docker_home/work" overlay /usr/bin
    rm -f /usr/bin/podman
    write_daemon_json "$other_runtime"
    daemon_up
}

teardown() {
    daemon_down
    umount /usr/bin /var/lib
    unmount_below "$docker_home"
    rm -rf "$docker_home" /etc/docker
    oauth_teardown
}

delete_containers() { :; }

@test "setup makes a running daemon read its file again, and its container has the token" {
    a_login
    a_profile
    run -0 --separate-stderr env DOCKER_HOST="$socket" oci-oauth setup --yes
    # shellcheck disable=SC2154
    [[ $stderr == *'oci-oauth: setup: making dockerd read its file again ...'*"starting a Docker container for 'claude' ..."* ]]
    [[ $output == *'engine  docker'*'changed /etc/docker/daemon.json'*"a Docker container reads the current token at $target"* ]]
    [[ $output != *'systemctl reload docker'* ]]
    [[ $output == *"next: docker run --rm --runtime oci-oauth --tmpfs $target IMAGE COMMAND"* ]]
    [[ ! $(docker_in_place ps --all --quiet) && ! $(docker_in_place image ls --all --quiet) ]]

    # A daemon that does not run is left to the person.
    daemon_down
    run --separate-stderr env DOCKER_HOST="$socket" oci-oauth setup --yes
    [[ $stderr == *'warning: setup: docker: the daemon is not running, or has not read its file again'*'hint: service docker start'* ]]
    daemon_up
}
