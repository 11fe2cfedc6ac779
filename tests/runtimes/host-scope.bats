# SPDX-License-Identifier: Apache-2.0
# Root of a user namespace: with an /etc of its own it is a system of its own, as in an unprivileged LXC container; with
# the host's it is a rootless engine's hook.
load oauth

readonly first_id=1000000000

# as_namespace_root COMMAND...: as root of a user namespace and a mount namespace, whose ids are from first_id.
as_namespace_root() {
    # shellcheck disable=SC2016
    unshare --user --mount --propagation private sh -c 'echo >"$0"; exec sleep infinity' "$BATS_TEST_TMPDIR/apart" 3>&- &
    local child=$! status=0
    eventually --at "$BATS_TEST_TMPDIR" test -s "$BATS_TEST_TMPDIR/apart"
    echo "0 $first_id 65536" >"/proc/$child/uid_map"
    echo "0 $first_id 65536" >"/proc/$child/gid_map"
    nsenter --target "$child" --user --mount --setuid 0 --setgid 0 "$@" 3>&- || status=$?
    kill "$child"
    return "$status"
}

# A system of the namespace's root: its own directories, the host's programs.
a_system() {
    local name
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE"/{usr,proc,dev,opt,run,tmp,root/.claude,etc/oci-oauth,"box/rootfs$target"}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$TREE/$name"; done
    cp "$CREDENTIALS" "$TREE/root/.claude"
    cp "$ENDPOINT/ca.pem" "$TREE/etc"
    jq 'del(.runtime_dir) | .profiles.claude += {credentials: "/root/.claude/.credentials.json", ca_file: "/etc/ca.pem"}' \
        "$CONFIG" >"$TREE/etc/oci-oauth/config.json"
    chown -R "$first_id:$first_id" "$TREE"
    chmod 711 "$BATS_TEST_TMPDIR"
    cat >"$BATS_TEST_TMPDIR/enter" <<-END
		set -eu
		for name in usr proc dev; do mount --rbind "/\$name" "$TREE/\$name"; done
		mount --rbind "$OCI_OAUTH_PREFIX" "$TREE/opt"
		exec chroot "$TREE" "\$@"
	END
}

# bundle_of_a_write DIR SEEN: a bundle in DIR, seen as SEEN, with a bound directory at the target.
bundle_of_a_write() {
    mkdir -p "$1/rootfs$target"
    jq -n --arg source "$2/rootfs$target" --arg target "$target" '{ociVersion: "1.0.2",
        process: {user: {uid: 0, gid: 0}}, root: {path: "rootfs"},
        mounts: [{type: "bind", source: $source, destination: $target, options: ["rbind"]}]}' >"$1/config.json"
}

# calls_hook HOOK BUNDLE: a script that does so for a process in a mount namespace of its own.
calls_hook() {
    cat <<-END
		mkfifo /tmp/apart
		unshare --mount --propagation unchanged sh -c 'echo >/tmp/apart; exec sleep infinity' &
		trap "kill \$!; rm /tmp/apart" EXIT
		read -r _ </tmp/apart
		echo '{"ociVersion":"1.0.2","id":"box","status":"creating","pid":'\$!',"bundle":"$2"}' | "$1" createRuntime
	END
}

@test "root of a user namespace with an /etc of its own is a system: command and hook agree" {
    a_login
    a_profile
    a_system
    bundle_of_a_write "$TREE/box" /box
    chown -R "$first_id:$first_id" "$TREE/box"
    as_namespace_root sh "$BATS_TEST_TMPDIR/enter" sh -euc "/opt/bin/oci-oauth refresh
        $(calls_hook /opt/libexec/oci/hooks.d/oci-oauth-hook /box)"
    [[ $(cat "$TREE/box/rootfs$target/token") == "$(current_token)" ]]
}

@test "root of a user namespace with the host's /etc leaves quietly" {
    a_login
    a_profile
    chmod 711 "$BATS_TEST_TMPDIR"
    bundle_of_a_write "$BATS_TEST_TMPDIR/box" "$BATS_TEST_TMPDIR/box"
    as_namespace_root sh -euc "$(calls_hook "$HOOK" "$BATS_TEST_TMPDIR/box")"
    [[ -z $(ls -A "$BATS_TEST_TMPDIR/box/rootfs$target") ]]
    [[ $(logged) != *oci-oauth-hook* ]]
}
