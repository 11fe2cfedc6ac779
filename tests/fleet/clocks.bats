#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Clocks that are wrong, by an hour or three days, or run at another rate (libfaketime), and a host that was suspended, on
# refreshers and followers: ./dev faults fleet. etcd is a Go program, which libfaketime does not reach: what counts is the
# difference, so all refreshers are shifted against the members instead.
load refreshers

setup_file() {
    begin_hosts
    library=$(find /usr/lib -name libfaketimeMT.so.1 -print -quit)
    export library
}
teardown_file() { end_hosts; }
setup() {
    [[ $library ]] || skip 'no libfaketime'
    renew_hosts
}
teardown() {
    end_follower
    leave_hosts
}
# It ends with the shell that has changed its clock.
end_follower() {
    [[ -z $(jobs -p) ]] || pkill -P "$(jobs -p)"
    wait
}

# with_clock OFFSET COMMAND...: every program below COMMAND has that clock, those without an environment too.
with_clock() {
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --propagation slave bash -c 'mkdir -p "$LAB/etc" && mount -t tmpfs etc "$LAB/etc" && mkdir "$LAB/etc"/{upper,work} &&
        mount -t overlay -o "lowerdir=/etc,upperdir=$LAB/etc/upper,workdir=$LAB/etc/work" overlay /etc &&
        echo "$library" >/etc/ld.so.preload && echo "$1" >/etc/faketimerc && shift && "$@"' bash "$@"
}
refresh_with_clock() { with_clock "$1" "$oci_oauth" refresh "${@:3}" --config "$BATS_FILE_TMPDIR/$2/config.json"; }

@test "a clock that is wrong sends nothing, and says which one differs" {
    of one fleet join claude
    for offset in +1h -1h +3d -3d; do
        run refresh_with_clock "$offset" two --force
        ((status != 0))
        [[ $output == *"this host's clock says"* ]]
        (($(sent) == 0))
    done
    [[ $(shown refreshing) == null ]]
    # The fleet is not stopped by it.
    of three refresh
    (($(sent) == 1))
    each_token_once
}

@test "refreshers that are all wrong against the store send nothing" {
    of one fleet join claude
    for host in one two three; do
        run refresh_with_clock +1h "$host" --force
        ((status != 0))
    done
    (($(sent) == 0))
}

@test "a clock at another rate refreshes like any other: it is compared each time" {
    of one fleet join claude
    for rate in 'x0.5' 'x2'; do
        before=$(counted posts)
        refresh_with_clock "+0 $rate" two --force
        (($(sent) == 1))
    done
    each_token_once
}

@test "what a host that died has sent is not taken over early by a host whose clock, or time since boot, jumps" {
    of one fleet join claude
    log_in one 3600
    of one fleet join --force claude
    script '{"at": "rotated", "ending": "reset"}'
    ! of one refresh --force
    [[ $(shown refreshing) == one ]]
    before=$(counted posts)
    for offset in +1h +3d -3d; do
        ! refresh_with_clock "$offset" two --force
    done
    # An hour passes while the host sleeps: BOOTTIME goes on, and nobody looked meanwhile.
    ! unshare --time --fork --boottime 3600 "$oci_oauth" refresh --force --config "$BATS_FILE_TMPDIR/two/config.json"
    ! of two refresh --force
    (($(sent) == 0))
    [[ $(shown refreshing) == one && $(shown state) == live ]]
}

@test "a follower with any clock has each token" {
    of one fleet join claude
    of one refresh
    make_follower follower
    for clock in +1h -1h +3d -3d '+0 x0.5' '+0 x2'; do
        with_clock "$clock" env STATE_DIRECTORY="$BATS_FILE_TMPDIR/follower/state" setpriv --pdeathsig KILL \
            "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-fleet" --config "$BATS_FILE_TMPDIR/follower/config.json" \
            </dev/null >"$BATS_FILE_TMPDIR/follower/log" 2>&1 3>&- &
        of one refresh --force
        eventually has_same_token one follower || { cat "$BATS_FILE_TMPDIR/follower/log"; false; }
        end_follower
    done
}
