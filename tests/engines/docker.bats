# SPDX-License-Identifier: Apache-2.0
# What Docker's own ways of choosing and running a container come to with the wrapper as default runtime.
load ../cli/words

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR hook_wait_ms=8000

setup_file() { engine_up; }
teardown_file() { engine_down; }

@test "an exec has the environment too, unless the person set it" {
    a_login
    a_profile
    start box "${chosen[@]}"
    start other
    [[ $(inside box sh -c "echo \$$variable") == "$target" ]]
    [[ $(inside --env "$variable=/mine" box sh -c "echo \$$variable") == /mine ]]
    [[ -z $(inside other sh -c "echo \$$variable") ]]
}

@test "a container that was stopped and started has the token again" {
    a_login
    a_profile
    start box "${chosen[@]}"
    docker_in_place stop --time 0 box
    [[ $(status_of '.containers | length') == 0 ]]
    docker_in_place start box
    has_current_token box
}

@test "a directory and a named volume choose, an image's volume does not" {
    a_login
    a_profile
    start bound --volume "$(a_directory tokens):$target"
    has_current_token bound
    start named --volume "tokens:$target"
    has_current_token named
    start anonymous --volume "$target"
    [[ -z $(inside anonymous ls -A "$target") ]]
    [[ $(logged) == *'oci-oauth-runtime'*'no token delivered'* ]]
}

@test "NanoClaw's container as its page shows it: uid 1000, and a directory of the host at /home/node/.claude" {
    a_login
    a_profile '.target = "/home/node/.claude"'
    local session
    session=$(a_directory sessions/main/.claude)
    echo '{"theme": "dark"}' >"$session/settings.json"
    chown -R 1000:1000 "$session"
    credentials() { inside box cat /home/node/.claude/.credentials.json | jq -r "$1"; }
    start box --user 1000:1000 --volume "$session:/home/node/.claude"
    [[ $(credentials .claudeAiOauth.accessToken) == "$(current_token)" ]]
    [[ $(credentials .claudeAiOauth.refreshToken) == null ]]
    refreshed
    [[ $(credentials .claudeAiOauth.accessToken) == "$(current_token)" ]]
    [[ $(inside box stat -c %u /home/node/.claude/.credentials.json) == 1000 ]]
    [[ $(<"$session/settings.json") == '{"theme": "dark"}' ]]
}

@test "exit codes, signals and output are the container's" {
    a_login
    a_profile
    run once "${chosen[@]}" -- sh -c 'echo out; exit 42'
    ((status == 42))
    [[ $output == out ]]
    start box "${chosen[@]}" -- sh -c 'trap "exit 7" USR1; sleep infinity & wait'
    docker_in_place kill --signal USR1 box
    [[ $(docker_in_place wait box) == 7 ]]
}

@test "Docker reads the real runtime's version through the wrapper's answer" {
    local components
    components=$(docker_in_place version --format '{{range .Server.Components}}{{.Name}}={{.Version}} {{end}}')
    [[ " $components" == *" oci-oauth=$(runc --version | sed -n 's/^runc version //p') "* ]]
}

@test "foreground containers start on expired tokens, each by one request, where no refresher listens" {
    a_login
    a_profile
    [[ ! -e $(runtime_dir)/refresh.sock ]]
    local start began
    for start in {1..5}; do
        login_ends_in -60
        began=${EPOCHREALTIME/./}
        run once "${chosen[@]}" -- cat "$target/token"
        ((status == 0))
        [[ $output == "$(current_token)" ]]
        ((${EPOCHREALTIME/./} - began < hook_wait_ms * 1000))
        [[ $(counted posts) == "$start" ]]
    done
}

@test "a broken configuration stops no container" {
    a_login
    a_profile '.colour = "red"'
    start box "${chosen[@]}"
    [[ $(logged) == *'oci-oauth-runtime'*'/profiles/claude/colour'* ]]
}

@test "with on_failure block, Docker shows why a container was not created" {
    a_login
    login_ends_in -60
    a_profile '.on_failure = "block" | .hook_wait = "2s"'
    script '{"status": 503, "body": "{}"}'
    run start box "${chosen[@]}"
    ((status != 0))
    [[ $output == *"profile 'claude'"* ]]
    start other
}

@test "doctor --try reads the token in a container of Docker's, and leaves neither container nor image" {
    a_login
    a_profile
    local before
    kept() { docker_in_place ps --all --quiet && docker_in_place image ls --all --quiet; }
    before=$(kept)
    try() { run "-$1" as_operator DOCKER_HOST="${2:-$socket}" oci-oauth doctor --try; }
    try 0
    [[ $output == *"ok       container 'claude' "*"a Docker container reads the current token at $target"* ]]
    [[ $output != *Podman* ]]
    [[ $(kept) == "$before" ]]
    configure ".profiles.claude.target = [\"$target\", \"/srv/claude\"]"
    try 0
    [[ $output == *"the current token at $target"*"the current token at /srv/claude"* ]]
    configure 'del(.profiles.claude.target)'

    rm "$CREDENTIALS"
    find "$SHARE" -type f -delete
    try 1
    [[ $output == *"problem  container 'claude' "*"a Docker container finds no token at $target"*'hint: journalctl '* ]]

    local registration
    registration=$(</etc/docker/daemon.json)
    knows() { docker_in_place info --format '{{.Runtimes}}' | grep -q oci-oauth; }
    knows_not() { ! knows; }
    reload() { kill -HUP "$(<"$docker_home/dockerd")" && eventually "$1"; }
    echo '{"default-runtime": "runc", "runtimes": {}}' >/etc/docker/daemon.json
    reload knows_not
    echo "$registration" >/etc/docker/daemon.json
    try 1
    [[ $output == *"problem  container "*"the running Docker daemon has not read /etc/docker/daemon.json"*"hint: kill -HUP $(<"$docker_home/dockerd")"* ]]
    reload knows

    try 1 unix:///nowhere
    [[ $output == *'warning  container '*'no Docker container was started: '*'does not answer'*'hint: service docker start'* ]]
}
