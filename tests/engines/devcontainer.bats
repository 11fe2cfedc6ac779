# SPDX-License-Identifier: Apache-2.0
# docs/devcontainer.md, as the devcontainer command reads it.
load ../runtimes/oauth

readonly page=$BATS_TEST_DIRNAME/../../docs/devcontainer.md

setup_file() { engine_up; }
teardown_file() { engine_down; }

# An image with the user of the page's.
an_image_of_a_developer() {
    mkdir -p "$docker_home/rootfs/home/vscode"
    echo 'vscode:x:1000:1000::/home/vscode:/bin/sh' >>"$docker_home/rootfs/etc/passwd"
    echo 'vscode:x:1000:' >>"$docker_home/rootfs/etc/group"
    chown 1000:1000 "$docker_home/rootfs/home/vscode"
    tar -C "$docker_home/rootfs" -c . | docker_in_place import - developer >/dev/null
}

# a_project [FILTER]: the page's file, changed by a jq FILTER.
a_project() {
    mkdir -p "$BATS_TEST_TMPDIR/project/.devcontainer"
    sed -n '/^```jsonc/,/^```/{/^```/d;/^ *\/\//d;p}' "$page" |
        jq --arg cgroup "--cgroup-parent=/$LAB_CGROUP" ".image = \"developer\" | .runArgs += [\"--network=none\", \$cgroup] | ${1:-.}" \
            >"$BATS_TEST_TMPDIR/project/.devcontainer/devcontainer.json"
}
in_project() { devcontainer "$1" --workspace-folder "$BATS_TEST_TMPDIR/project" "${@:2}"; }

@test "devcontainer: the page's file brings the token and the variable, and a refresh the next token" {
    a_login
    a_profile
    an_image_of_a_developer
    a_project
    in_project up --update-remote-user-uid-default never # nothing is built without a registry
    [[ $(in_project exec cat "$target/token") == "$(current_token)" ]]
    [[ $(in_project exec sh -c 'echo $CLAUDE_SECURESTORAGE_CONFIG_DIR') == "$target" ]]
    [[ $(in_project exec id -un) == vscode ]]
    refreshed
    [[ $(in_project exec cat "$target/token") == "$(current_token)" ]]
}
