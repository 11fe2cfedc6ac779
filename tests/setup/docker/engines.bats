# SPDX-License-Identifier: Apache-2.0
# install and uninstall under a Docker daemon that runs: before, after its reload and after its restart it starts, and
# so does each container.
load ../../cli/words
load daemon

setup_file() {
    mkdir -p "$docker_home" /etc/docker /run/lab/lib /etc/oci-oauth
    prepare_place
    mount --bind /run/lab/lib /var/lib
    echo '{"profiles": {"claude": {"credentials": "/root/.claude/.credentials.json"}}}' >/etc/oci-oauth/config.json
    write_daemon_json "$other_runtime"
    daemon_up
    rootfs "$docker_home/rootfs"
    tar -C "$docker_home/rootfs" -c . | docker_in_place import - box >/dev/null
    daemon_down
}

teardown_file() {
    umount /var/lib
    unmount_below "$docker_home"
    rm -rf "$docker_home" /etc/docker
}

setup() {
    write_daemon_json "$other_runtime"
    daemon_up
}

teardown() {
    is_up || daemon_up
    delete_containers
    daemon_down
    rm -rf /var/lib/oci-oauth
}

@test "a daemon.json with another runtime: after uninstall and reload the daemon runs on, with runc as its default" {
    in_place install docker --default
    reload_daemon
    [[ $(default_runtime) == oci-oauth ]]
    run in_place uninstall docker
    [[ $output == *'keeps "default-runtime": "runc"'* ]]
    reload_daemon
    [[ $(default_runtime) == runc ]]
    in_place uninstall docker
    [[ $(</etc/docker/daemon.json) == "$other_runtime" ]]
    reload_daemon
    [[ $(default_runtime) == runc ]]
    restart_daemon
    [[ $(default_runtime) == runc ]]
}

@test "containers that were created under our default start again after uninstall: reload, restart, the last one gone" {
    in_place install docker --default
    reload_daemon
    docker_run --detach --name db --restart always box sleep infinity
    docker_run --detach --name idle box sleep infinity
    docker_in_place stop --time 0 idle
    run in_place uninstall docker
    [[ $output == *'for 2 containers (db, idle)'* ]]
    reload_daemon
    docker_in_place start idle
    docker_in_place restart --time 0 db
    restart_daemon
    eventually --at "$docker_home/log" runs db
    docker_in_place start idle
    [[ $(in_place doctor 2>/dev/null) == *'was uninstalled; /etc/docker/daemon.json keeps the runtime oci-oauth, as '*' for 2 containers (db, idle)'* ]]
    daemon_down
    [[ $(in_place uninstall docker 2>&1) == *'for 2 containers (db, idle)'* ]]
    daemon_up
    delete_containers
    [[ $(in_place doctor 2>/dev/null) == *'which no container uses: oci-oauth uninstall docker'* ]]
    in_place uninstall docker
    [[ $(</etc/docker/daemon.json) == "$other_runtime" ]]
    reload_daemon
    restart_daemon
}

@test "before the programs are removed, containers that were started through the wrapper are listed; after a restart they do not need it" {
    in_place install docker --default
    reload_daemon
    docker_run --detach --name db box sleep infinity
    run in_place uninstall --all --before-removal
    ((status == 1))
    local id
    id=$(docker_in_place inspect --format '{{.Id}}' db)
    [[ $output == *"1 running container still needs oci-oauth-runtime: ${id:0:12}"*"hint: restart them, or delete their pods: docker restart ${id:0:12}"* ]]
    has_left_it() { [[ $(default_runtime) == runc ]]; }
    eventually --at "$docker_home/log" has_left_it
    docker_in_place restart --time 0 db
    in_place uninstall --all --before-removal
    docker_in_place restart --time 0 db
    runs db
}

@test "what dockerd itself would refuse is not written, an option of the running daemon among it" {
    daemon_down
    dockerd_with_flag() { dockerd_in_place --add-runtime other=/usr/bin/crun "$@"; }
    write_daemon_json '{}'
    dockerd_with_flag --host "$socket" --data-root "$docker_home/data" --exec-root "$docker_home/exec" \
        --pidfile "$docker_home/pid" --storage-driver vfs --bridge none --iptables=false --ip6tables=false \
        --ip-forward=false </dev/null >>"$docker_home/log" 2>&1 3>&- &
    echo $! >"$docker_home/dockerd"
    eventually --at "$docker_home" is_up
    run in_place install docker
    ((status == 1))
    [[ $output == *"starts dockerd with --add-runtime=other=/usr/bin/crun"* && $(</etc/docker/daemon.json) == '{}' ]]
}

@test "doctor names a registration that the running daemon has not read" {
    in_place install docker
    export DOCKER_HOST=$socket
    [[ $(in_place doctor) == *'the running daemon has not read /etc/docker/daemon.json'*"hint: kill -HUP $(<"$docker_home/dockerd")"* ]]
    reload_daemon
    [[ $(in_place doctor) != *'has not read'* ]]
}
