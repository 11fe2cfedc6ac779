# SPDX-License-Identifier: Apache-2.0
# docs/quadlet.md with the Podman and the systemd of this system, in a machine that boots: Podman 4.4 and later.
load machine

readonly page=$BATS_TEST_DIRNAME/../../docs/quadlet.md variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

setup_file() {
    prepare_tree
    prepare_container
    start_trusted_endpoint
    configuration >"$tree/etc/oci-oauth/config.json"
    mkdir -p "$tree/etc/containers"
    cp /run/lab/containers.conf "$tree/etc/containers/"
    printf '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' >"$tree/etc/containers/storage.conf"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$tree/etc/containers/policy.json"
    tar -C "$tree/srv/box/rootfs" -cf "$tree/srv/agent.tar" .
    a_login 28800
    boot --privileged # it runs containers
    machine podman import --quiet --change 'CMD ["/bin/sleep", "infinity"]' /srv/agent.tar localhost/agent:latest
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

# The page's file, and what the machine lacks: a network to give away, and cgroups that are not its systemd's.
add_quadlet() {
    local container=$tree/etc/containers/systemd/agent.container
    mkdir -p "$container.d"
    sed -n '/^```ini/,/^```/{/^```/d;p}' "$page" >"$container"
    printf '[Container]\nNetwork=host\nPodmanArgs=--cgroups=disabled\n' >"$container.d/machine.conf"
    unit daemon-reload
}

in_agent() { machine podman exec systemd-agent "$@"; }
has_token() { [[ $(in_agent cat "$target/token") == "$(current_token)" ]]; }

@test "Quadlet: the page's container has the token and the variable, the next token, and both again after a restart" {
    machine oci-oauth install podman
    add_quadlet
    unit start agent.service
    has_token
    [[ $(in_agent sh -c "echo \$$variable") == "$target" ]]
    machine oci-oauth refresh --force claude
    has_token
    unit restart agent.service
    has_token
    unit stop agent.service
    [[ $(machine oci-oauth status --json | jq -c '.profiles[0].containers') == '[]' ]]
}
