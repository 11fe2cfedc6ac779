# SPDX-License-Identifier: Apache-2.0
# Whose files and directories are, where a container of a rootful Podman has a user namespace.
load oauth

readonly map=0:200000:65536

setup() {
    oauth_setup
    a_login
    a_profile '.mode = "0400"'
    ROOTFS_OWNER=200000:200000
}

# has_token_of_its_own NAME: the container's user alone can read what was written for it.
has_token_of_its_own() {
    has_current_token "$1"
    [[ $(inside "$1" stat -c '%u %g %a' "$target/token") == '1000 1000 400' ]]
}

@test "written files belong to the user of a container with a user namespace" {
    local directory
    directory=$(a_directory tokens)
    start box --uidmap "$map" --gidmap "$map" --user 1000:1000 --volume "$directory:$target"
    has_token_of_its_own box
    [[ $(stat -c %u "$directory/token") == 201000 ]]
}

@test "written files belong to the user of a container that joins another one's user namespace" {
    local directory
    directory=$(a_directory tokens)
    start first --uidmap "$map" --gidmap "$map"
    start box --userns container:first --user 1000:1000 --volume "$directory:$target"
    has_token_of_its_own box
    refreshed
    has_token_of_its_own box
    stop box # first cannot go before it
}

@test "written files belong to the container's user through an idmapped volume" {
    local directory
    directory=$(a_directory tokens)
    start box --uidmap "$map" --gidmap "$map" --user 1000:1000 --volume "$directory:$target:idmap"
    has_token_of_its_own box
    [[ $(stat -c %u "$directory/token") == 1000 ]]
    refreshed
    has_token_of_its_own box
}

@test "a target in the home of the container's user is made in a user namespace" {
    configure '.profiles.claude.deliver_to = "all" | .profiles.claude.target = "/home/node/.claude" | del(.profiles.claude.mode)'
    mkdir -p "$(rootfs_of box)/home"
    local home
    home=$(a_directory home)
    chown 201000:201000 "$home"
    start box --volume "$home:/home/node" --uidmap "$map" --gidmap "$map" --user 1000:1000
    has_current_token box /home/node/.claude
}

@test "a container whose user namespace Podman chose by itself has the token, mounted and written" {
    local directory
    directory=$(a_directory tokens)
    configure '.profiles.claude.target = ["/run/secrets/claude", "/srv/claude"] | del(.profiles.claude.mode)'
    ROOTFS_OWNER=0:0 an_image image
    detached "$BATS_TEST_TMPDIR/output" podman_as_operator run --name box --detach --network none "${cgroup_parent[@]}" \
        --userns auto --user 1000:1000 --tmpfs "$target" --volume "$directory:/srv/claude" image sleep infinity
    has_current_token box
    has_current_token box /srv/claude
    refreshed
    has_current_token box
    [[ $(inside box stat -c %u /srv/claude/token) == 1000 ]]
}
