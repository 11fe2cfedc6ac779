# SPDX-License-Identifier: Apache-2.0
# oci-oauth demo: the same story with each engine, as root and as a user, and nothing is left of it.
load words

# Nobody else writes there meanwhile.
setup() {
    lab_setup
    mount -t tmpfs -o mode=1777 tmpfs /tmp
}
teardown() {
    umount /tmp
    lab_teardown
}

as() { setpriv --reuid "$1" --regid "$1" --clear-groups env HOME="$OPERATOR_HOME" "${@:2}" 3>&-; }

# Files, mounts, processes, control groups, namespaces of the network. What dpkg writes is somebody else's.
all_there_is() {
    find /etc /run /tmp /dev /var/lib /var/tmp "$OPERATOR_HOME" -xdev ! -path "$BATS_RUN_TMPDIR/*" ! -path '/var/lib/dpkg/*' -printf '%y %m %u %p %l\n' | sort
    sort /proc/self/mountinfo
    find /sys/fs/cgroup -type d ! -path '*/oci-oauth-lab-*' -regex '.*/[^/]*\(libpod\|conmon\|docker\|agent\|demo\)[^/]*' 2>/dev/null | sort
    lsns --type net --noheadings --output NS
    ps --no-headers -e -o comm | grep -vE '^(bats|bash|ps|cat|sort|find|grep|diff|lsns|tee)' | sort
}

# tells_the_story OUTPUT INSIDE: the first token, the same one in the document, another one after the refresh, and a
# container that has none.
tells_the_story() {
    local tokens document
    [[ $1 == *"\$ $2 cat /run/secrets/claude/token"* ]]
    mapfile -t tokens < <(grep -E '^sk-ant-oat01-[0-9a-f]{7}\.\.\.$' <<<"$1")
    ((${#tokens[@]} == 2)) && [[ ${tokens[0]} != "${tokens[1]}" ]]
    document=$(grep -F '{"claudeAiOauth":' <<<"$1")
    [[ $document == *"\"accessToken\":\"${tokens[0]}\""* && $document != *refresh* && $1 != *sk-ant-ort* ]]
    grep -qE "^oci-oauth: refresh 'claude': refreshed, valid until " <<<"$1"
    grep -qE '^claude +fresh +7 h 59 min +just now' <<<"$1"
    grep -qE '^[a-z0-9]+ +claude +mount +just now +current +/run/secrets/claude$' <<<"$1"
    [[ $1 == *"\$ ${2/agent/offline} ls -A /run/secrets/claude"$'\n'api.sock$'\n'* ]]
    [[ $1 == *'/run/secrets/claude/api.sock http://localhost/v1/models'$'\n''{"data": [{"type": "model", "id": "a-model"}]}'* ]]
}

demonstrates() {
    local before
    before=$(all_there_is)
    run -0 as "$1" oci-oauth demo "$2" --quiet
    tells_the_story "$output" "$2 exec agent"
    diff <(echo "$before") <(all_there_is)
}

@test "root sees the story in Podman, and nothing is left" { demonstrates 0 podman; }
@test "root sees the story in crun, and nothing is left" { demonstrates 0 crun; }
@test "root sees the story in runc, and nothing is left" { demonstrates 0 runc; }
@test "root sees the story in a Docker daemon of its own, and nothing is left" {
    command -v dockerd >/dev/null || skip 'not installed: dockerd'
    demonstrates 0 docker
}
@test "a user sees the story in Podman, and nothing is left" { demonstrates "$somebody" podman; }
@test "a user sees the story in crun, and nothing is left" { demonstrates "$somebody" crun; }
@test "a user sees the story in runc, and nothing is left" { demonstrates "$somebody" runc; }

@test "without the name of an engine it takes the first that is there" {
    run -0 --separate-stderr oci-oauth demo
    tells_the_story "$output" 'podman exec agent'
    # shellcheck disable=SC2154
    [[ $stderr == 'oci-oauth: demo: preparing podman and a token endpoint ...' ]]
}

@test "without nginx it says what shows the rest" {
    # shellcheck disable=SC2016
    run -0 unshare --mount sh -c 'mount --bind /dev/null "$(command -v nginx)" && exec oci-oauth demo crun --quiet' 3>&-
    [[ $output == *'A container with neither a token nor a network is shown with: apt-get install nginx-light'* ]]
    [[ $output != *api.sock* && $output == *'nothing of it is left.' ]]
}

@test "a killed demonstration leaves nothing either" {
    local before child
    before=$(all_there_is)
    oci-oauth demo podman >"$BATS_TEST_TMPDIR/story" 2>&1 3>&- &
    child=$!
    eventually --at "$BATS_TEST_TMPDIR/story" grep -q '^\$ podman exec' "$BATS_TEST_TMPDIR/story"
    kill -KILL "$child"
    has_ended "$child" || true
    is_as_before() { diff <(echo "$before") <(all_there_is) >/dev/null; }
    eventually is_as_before
}

@test "what it cannot do has a reason and a way on" {
    says() { complains oci-oauth "$1" "$2" "$3" "${@:4}"; }
    says 2 "demo: 'lxc' is not one of podman, docker, crun, runc" 'oci-oauth demo --help' oci-oauth demo lxc
    says 2 'demo: --config is not supported: it has a configuration of its own' 'oci-oauth demo --help' oci-oauth demo --config x
    says 1 'demo: docker: its daemon needs root' 'sudo */bin/oci-oauth demo docker' as "$somebody" oci-oauth demo docker
    # No namespace can be made: as in a container without privileges.
    says 1 'demo: namespaces cannot be made here: clone: *' 'run it on a host, or in a container with all privileges: *' \
        unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec oci-oauth demo crun'
    # No engine: where programs are, there are none.
    # shellcheck disable=SC2016
    says 1 'demo: no container engine is installed (podman, docker, crun or runc)' 'apt-get install podman' \
        unshare --mount sh -c 'for place in /usr/local/bin /usr/local/sbin /usr/sbin /usr/bin; do
            mount -t tmpfs tmpfs "$place"; done; exec oci-oauth demo'
}
