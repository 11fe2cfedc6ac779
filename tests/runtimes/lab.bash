# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the container tests; each means the same in every engine. For .bats files that `run` started.
#
#   start NAME [OPTION]... [-- COMMAND...]   a container in the background; fails as the engine does, with its message
#   once [OPTION]... -- COMMAND...           a container in the foreground, deleted when COMMAND has ended
#   inside NAME COMMAND...                   runs COMMAND in a started container, as the container's user
#   stop NAME                                kills and deletes it; its poststop hooks have run
#   id_of NAME, pid_of NAME                  its id as the hook knows it, and the pid of its first process
#   output_of NAME                           what its COMMAND has printed
#   rootfs_of NAME                           its root file system, made when first asked for: change it before start
#   as_operator COMMAND...                   runs COMMAND as the person who runs the engine, in a home of the test's own
#   logged                                   what has gone to syslog since the test began
#
# OPTION is spelled as Podman's, its value in a word of its own: --read-only, --user UID:GID, --tmpfs DIR,
# --volume SOURCE:DIR[:ro], --annotation KEY=VALUE. Podman takes its others too.
# An engine whose daemon outlives a test names its person's place in operator_place; else that is the test's own.
# A test may set HOOK (empty: no hook) and HOOK_ARGS (what comes before the stage) ahead of start and once.

readonly hook_timeout_seconds=10

# Other suites load these words too, from where they are.
words=${BASH_SOURCE[0]%/*}
# shellcheck source=tests/support/words.bash
source "$words/../support/words.bash"
load "$words/syslog"
case $ENGINE in
    podman-rootless) engine_words=engine-podman ;;
    crun | runc) engine_words=engine-bundle ;;
    *) engine_words=engine-$ENGINE ;;
esac
# A suite may bring its own.
if [[ -e ${BATS_TEST_DIRNAME:-$words}/$engine_words.bash ]]; then
    load "${BATS_TEST_DIRNAME:-$words}/$engine_words"
else
    load "$words/$engine_words"
fi

setup() { lab_setup; }
teardown() { lab_teardown; }

lab_variables() {
    HOOK=$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook
    HOOK_ARGS=()
    OPERATOR_HOME=${operator_place:-$BATS_TEST_TMPDIR}/home
    XDG_RUNTIME_DIR=${operator_place:-$BATS_TEST_TMPDIR}/run
    SYSLOG=$BATS_TEST_TMPDIR/syslog
}

lab_setup() {
    lab_variables
    chmod 711 "$BATS_RUN_TMPDIR"
    install -d -o "$OPERATOR_ID" -g "$OPERATOR_ID" "$OPERATOR_HOME" "$XDG_RUNTIME_DIR"
    start_syslog
}

lab_teardown() {
    delete_containers
    stop_syslog
    unmount_below "$BATS_TEST_TMPDIR"
    unmount_below /run/oci-oauth
    rm -rf /run/oci-oauth /etc/oci-oauth "$XDG_RUNTIME_DIR/oci-oauth"
}

as_operator() {
    setpriv --reuid "$OPERATOR_ID" --regid "$OPERATOR_ID" --clear-groups \
        env -i --chdir=/ PATH="$OCI_OAUTH_PREFIX/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        HOME="$OPERATOR_HOME" XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" TMPDIR="$TMPDIR" LC_ALL=C.UTF-8 \
        PODMAN_IGNORE_CGROUPSV1_WARNING="${PODMAN_IGNORE_CGROUPSV1_WARNING:-}" "$@"
}

rootfs_of() {
    local rootfs=$BATS_TEST_TMPDIR/$1/rootfs
    [[ -d $rootfs ]] || rootfs "$rootfs"
    echo "$rootfs"
}

# Splits "[OPTION]... [-- COMMAND...]" into OPTIONS and ARGV.
parse_container() {
    OPTIONS=()
    ARGV=(sleep infinity)
    while (($#)) && [[ $1 != -- ]]; do
        OPTIONS+=("$1")
        shift
    done
    (($# < 2)) || ARGV=("${@:2}")
}

# Runs COMMAND, whose children live on, with LOG for its output: nobody waits for them to close a pipe.
detached() {
    local log=$1 status=0
    shift
    "$@" </dev/null >"$log" 2>&1 3>&- || status=$?
    ((status == 0)) || cat "$log" >&2
    return "$status"
}

# hook_entries [STAGE]...: an entry of config.json's hooks for each stage, createRuntime and poststop if none is named;
# each is also the `hook` of a hooks.d file.
hook_entries() {
    jq -n --arg path "$HOOK" --argjson timeout "$hook_timeout_seconds" --arg stages "${*:-createRuntime poststop}" '
        def entry($stage):
            {$path, args: ($ARGS.positional + [$stage]), env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], $timeout};
        $stages | split(" ") | map({(.): entry(.)}) | add' --args -- "${HOOK##*/}" "${HOOK_ARGS[@]}"
}

unmount_below() {
    local mount_point
    while read -r mount_point; do
        umount "$mount_point"
    done < <(findmnt --noheadings --list --output TARGET | grep -E "^$1(/|$)" | tac)
}
