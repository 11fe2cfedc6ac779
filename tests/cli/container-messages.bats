# SPDX-License-Identifier: Apache-2.0
# What the hook and the wrapper say, to the log and to who calls them: what failed and why, what to do. Never a token.
# What they say of hostile states, bundles and images is in tests/hostile, which images' volumes choose nothing in
# tests/engines.
ENGINE=runc
load words

hook_says() { logs oci-oauth-hook "$@"; }
wrapper_says() { logs oci-oauth-runtime "$@"; }

# A chosen container, created anew.
created() {
    [[ ! -e $(bundle_of box) ]] || stop box
    start box --tmpfs "$target"
}
# One that every profile for all gets to: the runtime makes nothing at the target.
created_as_it_is() {
    stop box
    start box
}
# With DIRECTORY at the target.
created_with() {
    stop box
    start box --volume "$1:$target" "${@:2}"
}
# Calls the installed hook as an engine does: state_of PID BUNDLE
state_of() { "$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook" createRuntime <<<"{\"id\": \"box\", \"pid\": $1, \"bundle\": \"$2\"}"; }
of_box() { printf "warning: profile 'claude', container box: %s" "$1"; }

@test "hook: a wrong call, to the log and to who calls" {
    a_login
    local usage='oci-oauth-hook \[--config FILE\] \[--profile NAME\]... precreate|createRuntime|prestart|poststop'
    wrong() {
        hook_says "error: $1" "$usage" "$HOOK" "${@:2}"
        complains oci-oauth-hook 0 "$1" "$usage" "$HOOK" "${@:2}"
    }
    wrong 'no stage given'
    wrong "unknown stage 'create'" create
    wrong "unknown option '--colour'" --colour createRuntime
    wrong "option '--profile' needs a value" --profile
    wrong "'config.json' is not an absolute path" --config config.json createRuntime
}

@test "hook: a configuration that cannot be used" {
    a_login
    a_profile '.colour = 1'
    hook_says "error: $CONFIG: /profiles/claude/colour: is not a known key" 'known keys: *' created
    a_profile
    chmod 666 "$CONFIG"
    hook_says "error: $CONFIG: other users can change it (it has uid 0, mode 0666)" "sudo chmod go-w $CONFIG" created
    rm "$CONFIG"
    hook_says "error: $CONFIG: No such file or directory" 'create it, as shown in: man 5 oci-oauth-config' created
    local own=$BATS_TEST_TMPDIR/own.json
    install -o "$somebody" -m 644 /dev/stdin "$own" <<<'{"profiles": {"claude": {"credentials": "/login"}}}'
    hook_says "error: $own: /runtime_dir: is missing, and a hook does not see XDG_RUNTIME_DIR" \
        "set it to what 'echo \$XDG_RUNTIME_DIR/oci-oauth' prints for the user" \
        setpriv --reuid "$somebody" --regid "$somebody" --clear-groups "$HOOK" --config "$own" createRuntime
    a_profile
    HOOK_ARGS+=(--profile other)
    hook_says "warning: profile 'other', container box: is not in $CONFIG" 'add it there, or correct the --profile *' created
}

@test "hook: what an engine sends" {
    a_login
    a_profile
    hook_says 'error: state: is empty' 'container runtimes run this, with the state of a container on stdin' "$HOOK" createRuntime
    hook_says 'warning: container box: no token delivered: /none/config.json: No such file or directory' '?*' state_of 1 /none
    bundle box --tmpfs "$target"
    hook_says "$(of_box "process 1 is in the host's mount namespace, not in a container's")" 'give the container its own mount namespace' state_of 1 "$(bundle_of box)"
}

@test "hook: a runtime directory that is not a place for tokens" {
    a_login
    a_profile
    install -d -m 755 "$(runtime_dir)"
    hook_says "$(of_box '/run/oci-oauth: must belong to uid 0, without access for others (it has uid 0, mode 0755)')" 'sudo chmod 0700 /run/oci-oauth' created
    rmdir "$(runtime_dir)"
    echo >"$(runtime_dir)"
    hook_says "$(of_box '/run/oci-oauth: Not a directory')" '?*' created
    rm "$(runtime_dir)"
}

@test "hook: no valid token" {
    a_login
    a_profile '.hook_wait = "1s"'
    answer() { script "$(jq -nc --argjson status "$1" --arg body "$2" '{$status, $body}')"; }
    login_ends_in -60
    answer 503 '{}'
    hook_says "$(of_box 'token endpoint: 503')" '?*' created
    rm -r "$(runtime_dir)/profiles/claude.json"
    answer 400 '{"error": "invalid_grant"}'
    hook_says "$(of_box 'token endpoint: 400 invalid_grant')" 'log in again *' created
    mv "$CREDENTIALS" "$BATS_TEST_TMPDIR/login"
    hook_says "$(of_box "$CREDENTIALS: No such file or directory")" 'log in first, or correct "credentials" in the configuration' created
    rm "$(runtime_dir)"/{profiles,refreshes}/claude.json
    mv "$BATS_TEST_TMPDIR/login" "$CREDENTIALS"
    script '{"delay_ms": 2000}'
    hook_says "$(of_box 'no answer from the refresher in time')" 'the next refresh delivers the token to the container' created
    eventually has_current_token box
    oci_oauth refresh # waits for the one that is late
    echo '{"version": 0}' >"$(runtime_dir)/profiles/claude.json"
    created
    has_current_token box
    [[ $(jq .version "$(runtime_dir)/profiles/claude.json") != 0 ]]
    rm "$(runtime_dir)/profiles/claude.json"
    # A hook beside which the refresher is missing.
    install -D "$HOOK" "$BATS_TEST_TMPDIR/elsewhere/libexec/oci/hooks.d/oci-oauth-hook"
    HOOK=$BATS_TEST_TMPDIR/elsewhere/libexec/oci/hooks.d/oci-oauth-hook
    hook_says "$(of_box "$BATS_TEST_TMPDIR/elsewhere/bin/oci-oauth: No such file or directory")" 'install oci-oauth-hook again' created
}

@test "hook: a target in an image that nothing can be mounted on" {
    a_login
    a_profile '.deliver_to = "all"'
    start box
    local rootfs
    rootfs=$(rootfs_of box)
    in_the_image() { stop box && rm -rf "$rootfs/run/secrets" && "$@" && start box; }
    hook_says "$(of_box '/run/secrets/claude in the container: openat2: Not a directory')" 'a component is not a directory: choose another target' in_the_image touch "$rootfs/run/secrets"
    hook_says "$(of_box '/run/secrets/claude in the container: openat2: Too many levels of symbolic links')" 'its symbolic links cannot be followed: choose another target' in_the_image ln -s secrets "$rootfs/run/secrets"
    hook_says "$(of_box '/run/secrets in the container: is a dangling symbolic link')" 'choose another target, or create the directory in the image' in_the_image ln -s none "$rootfs/run/secrets"
    a_profile '.deliver_to = "all" | .target = "/sys/kernel"'
    hook_says "$(of_box "/sys/kernel in the container: is in a kernel file system")" 'choose a target outside /proc, /sys and /dev' in_the_image true
}

@test "hook: a directory of a person's that is not written into, or that others can read" {
    a_login
    a_profile
    start box
    local directory
    directory=$(a_directory tokens)
    cp "$CREDENTIALS" "$directory/.credentials.json"
    hook_says "$(of_box "$target/.credentials.json: contains a refresh token, so it is left alone")" "set the profile's \"target\" to a separate directory*" created_with "$directory"
    rm "$directory/.credentials.json"
    mkfifo "$directory/token"
    hook_says "$(of_box "$target/token: is a FIFO, so it is left alone")" "remove it, or set the profile's \"target\" to another directory" created_with "$directory"
    rm "$directory/token"
    hook_says "$(of_box "other users of this host can read the token in '$directory'")" "sudo chmod o-x $directory" created_with "$directory"
    # A container of a user namespace, as it is before its root is its own.
    local other=$BATS_TEST_TMPDIR/other process
    mkdir "$other"
    jq '.process.user.uid = 5' "$(bundle_of box)/config.json" >"$other/config.json"
    # shellcheck disable=SC2016
    unshare --user --map-root-user --mount sh -c 'mount --bind "$1" "$2" && echo >&9 && exec sleep infinity' \
        sh "$directory" "$(rootfs_of box)$target" 9>"$BATS_TEST_TMPDIR/asleep" </dev/null >/dev/null 2>&1 3>&- &
    process=$!
    eventually --at "$BATS_TEST_TMPDIR" test -s "$BATS_TEST_TMPDIR/asleep"
    hook_says "$(of_box 'uid 5 of the container is not mapped to the host')" 'give the container a user namespace that maps it' state_of "$process" "$other"
    kill "$process"
}

@test "hook: what blocks a container is reported to the engine, too" {
    a_login
    a_profile '.on_failure = "block"'
    rm "$CREDENTIALS"
    HOOK=
    start box --tmpfs "$target"
    complains oci-oauth-hook 1 "profile 'claude', container box: $CREDENTIALS: No such file or directory" 'log in first, or correct "credentials" in the configuration' state_of "$(pid_of box)" "$(bundle_of box)"
}

# The wrapper as an engine calls it, on a chosen container's bundle.
wrapped() { "${wrapper:-oci-oauth-runtime}" "$@" run --detach --bundle "$(bundle_of box)" box; }
wrapped_anew() {
    stop box
    detached "$BATS_TEST_TMPDIR/output" wrapped
}

@test "wrapper: what keeps it from a container's token" {
    a_login
    a_profile '.colour = 1'
    HOOK=
    start box --tmpfs "$target"
    wrapper_says "warning: $CONFIG: /profiles/claude/colour: is not a known key" 'known keys: *' wrapped_anew
    a_profile '.provider = "other"'
    wrapper_says "warning: profile 'claude': provider 'other': there is no other.json in *" 'set "provider" in the profile to an existing one*' wrapped_anew
    a_profile
    # A wrapper beside which the hook is missing.
    local wrapper=$BATS_TEST_TMPDIR/elsewhere/bin/oci-oauth-runtime
    install -D "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" "$wrapper"
    wrapper_says "warning: container box: no token delivered: $BATS_TEST_TMPDIR/elsewhere/libexec/oci/hooks.d/oci-oauth-hook: No such file or directory" 'install oci-oauth-hook again' wrapped_anew
    a_profile '.on_failure = "block"'
    stop box
    complains oci-oauth-runtime 1 "container box: no token delivered: $BATS_TEST_TMPDIR/elsewhere/libexec/*" 'install oci-oauth-hook again' wrapped --log "$BATS_TEST_TMPDIR/log"
    [[ $(<"$BATS_TEST_TMPDIR/log") == *'level=error msg="oci-oauth-runtime: container box: no token delivered: '*'; hint: install oci-oauth-hook again"' ]]
}

@test "wrapper: a runtime that it cannot call" {
    a_login
    local hint='correct it in the configuration; until then runc or crun is used'
    wrong() {
        a_profile
        configure ".runtime = \"$1\""
        wrapper_says "warning: the configured \"runtime\": $1: $2" "$hint" oci-oauth-runtime --version
    }
    wrong /nowhere/crun 'No such file or directory'
    wrong "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" 'is this wrapper itself'
    wrong /etc 'is not a program'
    wrong /etc/passwd 'Permission denied'
    a_profile
    local program programs
    mapfile -t programs < <(type -ap runc crun | xargs realpath | sort -u)
    for program in "${programs[@]}"; do
        mount --bind /dev/null "$program"
    done
    run complains oci-oauth-runtime 1 'there is neither runc nor crun in *' 'install one, or set "runtime" in the configuration' oci-oauth-runtime state box
    local alone
    alone=$(oci-oauth-runtime --version 2>&1) || alone="exit status $?"
    umount "${programs[@]}"
    ((status == 0))
    [[ $alone =~ ^oci-oauth-runtime\ [0-9.]+$ ]]
}

@test "wrapper: an exec whose process cannot be edited" {
    a_login
    a_profile
    HOOK=
    start box --tmpfs "$target"
    wrapped_anew
    local process=$BATS_TEST_TMPDIR/process.json
    jq .process "$(bundle_of box)/config.json" | jq '.args = ["true"]' >"$process.real"
    ln -s "$process.real" "$process"
    wrapper_says "warning: container box: exec without the provider's environment: $process: is a symbolic link*" '?*' oci-oauth-runtime exec --process "$process" box
}
