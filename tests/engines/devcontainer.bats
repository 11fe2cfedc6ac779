# SPDX-License-Identifier: Apache-2.0
# docs/devcontainer.md, as the devcontainer command reads it.
load ../runtimes/oauth

readonly page=$BATS_TEST_DIRNAME/../../docs/devcontainer.md client_seconds=40

setup_file() { engine_up; }
teardown_file() { engine_down; }

# An image with the user of the page's, in which the host's libraries can be mounted.
an_image_of_a_developer() {
    mkdir -p "$docker_home"/rootfs/{usr,home/vscode,workspaces/project}
    chmod 1777 "$docker_home/rootfs/tmp"
    ln -sfn usr/lib "$docker_home/rootfs/lib"
    ln -sfn usr/lib64 "$docker_home/rootfs/lib64"
    block json >"$docker_home/rootfs/home/vscode/.claude.json"
    echo 'vscode:x:1000:1000::/home/vscode:/bin/sh' >>"$docker_home/rootfs/etc/passwd"
    echo 'vscode:x:1000:' >>"$docker_home/rootfs/etc/group"
    chown -R 1000:1000 "$docker_home"/rootfs/{home/vscode,workspaces}
    tar -C "$docker_home/rootfs" -c . | docker_in_place import - developer >/dev/null
}

# block LANGUAGE: the page's block of that language, without comments.
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`/{/^\`/d;/^ *\/\//d;p}" "$page"; }

a_project() {
    mkdir -p "$BATS_TEST_TMPDIR/project/.devcontainer"
    block jsonc | jq --arg cgroup "--cgroup-parent=/$LAB_CGROUP" '.image = "developer" | .runArgs += ["--network=none", $cgroup]' \
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

# Which of these a terminal shows first, without blanks.
first_words() {
    docker_in_place logs box | sed -E 's/\x1b[^a-zA-Z]*[a-zA-Z]//g; s/ //g' |
        grep -m 1 -oE 'Welcomeback|Itrustthisfolder|Notloggedin|Selectlogin|Unabletoconnect'
}

@test "devcontainer: Claude Code's first start asks nothing with the page's answers, and has the delivered login" {
    a_login
    a_profile
    an_image_of_a_developer
    docker_run --detach --tty --name box "${chosen[@]}" --user 1000:1000 --env HOME=/home/vscode --env TERM=xterm \
        --volume /usr:/usr:ro --volume "$CLIENTS/node_modules/@anthropic-ai/claude-code-linux-x64:/claude:ro" \
        --workdir /workspaces/project developer /claude/claude >/dev/null
    event_wait_seconds=$client_seconds eventually --at "$docker_home/data/containers/$(id_of box)" first_words >/dev/null
    [[ $(first_words) == Welcomeback ]]
}
