# SPDX-License-Identifier: Apache-2.0
# gVisor's runsc, which Debian has from 13 on: the container's file system is the sandbox's own, so a token reaches
# it by a bind mount alone.
bundle_runtime=$BATS_TEST_TMPDIR/runsc panic_log=$BATS_TEST_TMPDIR/panic
load oauth
load engine-bundle

setup() {
    oauth_setup
    [[ -x $(type -P runsc) ]] || skip 'runsc is not installed'
    command -v runc >/dev/null || skip 'runc is not installed, which writes the config.json'
    # The lab has no cgroups of its own, and no network for gVisor's.
    cat >"$bundle_runtime" <<-END
		#!/bin/sh
		[ "\$1" != spec ] || exec runc "\$@"
		exec $(type -P runsc) --root "$BATS_TEST_TMPDIR/state" --panic-log "$panic_log" --ignore-cgroups --network none "\$@"
	END
    chmod 755 "$bundle_runtime"
    a_login
    a_profile
}

# The sandbox of runsc 2022 has a user namespace of its own, which does not show whose the container's files are.
told_of_a_sandbox_of_2022() {
    [[ $(runsc --version) == *2022* ]] || return 0
    [[ $(logged) == *'uid 0 of the container is not mapped to the host'* ]]
    skip 'this runsc of 2022 gets a token in its share directory only, as the log says'
}

# A test that its sandbox's own panic has ended is begun again. Built with Go 1.26, runsc looks for a goroutine's number where
# an older Go had it, and two of ten sandboxes panic while they read a file, without any hook.
teardown() {
    ! grep -qs assertTaskGoroutine "$panic_log" || BATS_TEST_RETRIES=9
    oauth_teardown
}

@test "gVisor: a bound directory is written into at its source, refreshed, and cleaned at the end" {
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target"
    told_of_a_sandbox_of_2022
    has_current_token box
    refreshed
    has_current_token box
    stop box
    [[ -z $(ls -A "$directory") ]]
    [[ -z $(ls -A "$(runtime_dir)/containers") ]]
}

@test "gVisor: the share directory that a person binds read-only is kept fresh" {
    oci_oauth refresh
    start box --volume "$SHARE:$target:ro"
    has_current_token box
    refreshed
    has_current_token box
    [[ $(logged) != *'covers it'* ]]
}

@test "gVisor: a tmpfs gets no token, and the log says what to do instead" {
    start box --tmpfs "$target"
    [[ -z $(inside box ls -A "$target") ]]
    [[ $(logged) == *"nothing can be mounted into this runtime's containers from outside"* ]]
    [[ $(logged) == *"hint: bind-mount the directory: --volume $SHARE:$target:ro"* ]]
}

@test "gVisor: the wrapper serves it as the hook does" {
    mv "$bundle_runtime" "$BATS_TEST_TMPDIR/gvisor"
    ln -s "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" "$bundle_runtime"
    configure ".runtime = \"$BATS_TEST_TMPDIR/gvisor\""
    HOOK=
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target"
    told_of_a_sandbox_of_2022
    has_current_token box
    stop box
    [[ -z $(ls -A "$directory") ]]
}
