# SPDX-License-Identifier: Apache-2.0
# `oci-oauth setup` as a new user types it, under a systemd that has really booted, with the engine of this system. The
# tests are one story: each begins where the one before it ended.
bats_require_minimum_version 1.5.0
load machine

setup_file() {
    prepare_tree
    start_endpoint
    mkdir -p "$tree/etc/ssl/certs" "$tree/etc/oci-oauth/providers.d" "$tree/etc/containers"
    cp "$ENDPOINT/ca.pem" "$tree/etc/ssl/certs/ca-certificates.crt"
    sed "s,\"token_url\": \"[^\"]*,\"token_url\": \"$(<"$ENDPOINT/url")," \
        "$INSTALLED/share/oci-oauth/providers/claude.json" >"$tree/etc/oci-oauth/providers.d/claude.json"
    # Cgroups are the machine's systemd's.
    sed '/^\[containers\]/a cgroups = "disabled"' /run/lab/containers.conf >"$tree/etc/containers/containers.conf"
    printf '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' >"$tree/etc/containers/storage.conf"
    boot --privileged # it runs containers
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

# As sudo calls it, for the person whose login it is.
sudo_() { machine env HOME=/root SUDO_UID="$person_id" SUDO_USER="$person" "$@"; }
# on_a_terminal ANSWER COMMAND: the same on a pseudo-terminal, where the person types ANSWER.
on_a_terminal() {
    echo "$1" | nsenter --target "$(<"$shared/pid")" --all env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        HOME=/root SUDO_UID="$person_id" SUDO_USER="$person" script --quiet --return --command "exec ${*:2}" /dev/null 3>&- | tr -d '\r'
}
enabled_units() { machine systemctl list-unit-files --no-legend --state=enabled 'oci-oauth-*' | awk '{print $1}' | sort; }
state_of_setup() { { enabled_units && find "$tree/etc" -type f -path '*oci*' | sort | xargs sha256sum; } 2>&1; }

@test "without a login it says where one would be, and changes nothing" {
    local before
    before=$(state_of_setup)
    run -3 sudo_ oci-oauth setup --yes
    [[ $output == *'oci-oauth: error: setup: podman: no login'*'hint: '*'--credentials FILE'* ]]
    [[ $(state_of_setup) == "$before" ]]
}

@test "whoever reads the plan and says no has nothing changed" {
    local before
    a_login 28800
    before=$(state_of_setup)
    run on_a_terminal n oci-oauth setup
    [[ $output == *'The plan, for the whole machine:'*"login   claude, /home/$person/.claude/.credentials.json"*'engine  podman'* ]]
    [[ $output == *'unit    oci-oauth-refresh.timer'*'Go on? [y/N]'*'setup: nothing was changed'*'hint: sudo oci-oauth setup --dry-run'* ]]
    [[ $output == *'This is a container: only containers that are started in it will get a token.'* ]]
    [[ $(state_of_setup) == "$before" ]]
}

@test "whoever says yes has the units enabled and sees the token that a container reads" {
    local letters
    run -0 on_a_terminal y oci-oauth setup
    echo "$output"
    letters=$(current_token)
    [[ $output == *'Go on? [y/N]'*'enabled oci-oauth-refresh.timer'*'a Podman container reads the current token'* ]]
    [[ $output == *"token of 'claude': ${letters:0:20}..."* && $output != *"$letters"* ]]
    [[ $output == *"next: sudo podman run --rm --tmpfs $target IMAGE COMMAND"*'next: sudo oci-oauth status'* ]]
    is_in_state active oci-oauth-refresh.timer
    is_in_state active oci-oauth-refresh.path
    is_published
}

@test "what it says is next works: a container has the token, also the one after a refresh, and doctor finds nothing" {
    rootfs "$tree/srv/image"
    [[ $(machine podman run --rm --network none --tmpfs "$target" --rootfs /srv/image cat "$target/token") == "$(current_token)" ]]
    a_login 28800
    eventually --at "$(in_machine /run/oci-oauth/share/claude)" is_published
    [[ $(machine podman run --rm --network none --tmpfs "$target" --rootfs /srv/image cat "$target/token") == "$(current_token)" ]]
    run -0 sudo_ oci-oauth doctor --quiet
    [[ $output == *$'\n0 problems,'* ]]
}

@test "a second run asks nothing and changes nothing" {
    local before
    before=$(state_of_setup)
    run -0 sudo_ oci-oauth setup
    [[ $output == *'engine  podman, is already registered'*'a Podman container reads the current token'* && $output != *'Go on?'* ]]
    [[ $(state_of_setup) == "$before" ]]
}

@test "what it says undoes it does" {
    run -0 sudo_ oci-oauth uninstall --all
    [[ -z $(enabled_units) ]]
    [[ -z $(find "$tree/etc/containers" -name '*oci-oauth*') ]]
    is_in_state inactive oci-oauth-refresh.timer
}

@test "a user is set up alone, beside the manager of their own" {
    local home=/home/$person
    unit start "user@$person_id.service"
    echo "$person:100000:65536" | tee "$tree/etc/subuid" >"$tree/etc/subgid"
    as_person_outside mkdir -p "$tree$home/.config/containers"
    printf '[storage]\ndriver = "vfs"\n' >"$tree$home/.config/containers/storage.conf"
    run -0 as_person oci-oauth setup --yes
    echo "$output"
    [[ $output == *'The plan, for this user alone'*'a Podman container reads the current token'*"next: podman run --rm --tmpfs $target IMAGE COMMAND"* ]]
    [[ $(as_person systemctl --user is-active oci-oauth-refresh.timer) == active ]]
    run -0 as_person oci-oauth uninstall --all
    [[ $(as_person systemctl --user is-active oci-oauth-refresh.timer || true) == inactive ]]
}

@test "a Docker daemon that runs is made to read its file again, and its container reads the token" {
    a_login 28800
    machine sh -c 'command -v dockerd' || skip 'there is no dockerd'
    mkdir -p "$tree/etc/docker" "$tree/opt"
    echo '{"bridge": "none", "iptables": false, "ip6tables": false, "storage-driver": "vfs"}' >"$tree/etc/docker/daemon.json"
    machine systemctl start docker || { journal --unit docker --output cat | tail -n 30; false; }
    run -0 sudo_ oci-oauth setup --yes
    echo "$output"
    [[ $output == *'engine  docker'*'a Docker container reads the current token'*"next: sudo docker run --rm --runtime oci-oauth --tmpfs $target IMAGE COMMAND"* ]]
    [[ $output != *'next: systemctl reload docker'* && $output != *'warning: '* ]]
    run -0 sudo_ oci-oauth uninstall --all
    [[ $(machine jq -c ".runtimes" /etc/docker/daemon.json) == null ]]
    machine systemctl stop docker docker.socket
}
