# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Who chooses a container: a person, with real images whose authors would like to.

readonly image=localhost/greedy

# A file system for an image that asks for the token in each way that an image has.
greedy_image() {
    local context=$OPERATOR_HOME/context
    [[ ! -d $context ]] || return 0
    rootfs "$context/rootfs"
    cat >"$context/Containerfile" <<END
FROM scratch
COPY rootfs /
ENV OCI_OAUTH_PROFILES=claude io.oci-oauth.profiles=claude
LABEL io.oci-oauth.profiles=claude
VOLUME $target
CMD ["sleep", "infinity"]
END
    sed '/^VOLUME/d' "$context/Containerfile" >"$context/Annotated"
    # What a step of a build finds at the target, by its own mount and by the volume of the image that it is built on,
    # which newer versions do not mount.
    cat >"$context/Step" <<END
FROM $image
RUN --mount=type=tmpfs,target=/run/secrets/tmpfs ls -A /run/secrets/tmpfs $target >/found 2>&1; cat $target/token /run/secrets/tmpfs/token || ! grep -q " $target " /proc/mounts || echo has its volume
END
    chown -R "$OPERATOR_ID:$OPERATOR_ID" "$context"
    podman_files "$BOX"
    build "$image" Containerfile
    build "$image-annotated" Annotated --annotation io.oci-oauth.profiles=claude
}

build() {
    podman_as_operator build --isolation oci --network none --hooks-dir "$BATS_TEST_TMPDIR/hooks.d" --tag "$1" \
        --file "$OPERATOR_HOME/context/$2" "${@:3}" "$OPERATOR_HOME/context"
}

# start_image IMAGE [OPTION]...
start_image() {
    podman_files "$BOX"
    detached "$BATS_TEST_TMPDIR/$BOX/output" podman_as_operator run --name "$BOX" --detach --network none "${cgroup_parent[@]}" \
        "${@:2}" "$1"
}

has_nothing() { [[ -z $(inside "$BOX" ls -A "$target" 2>&1) ]]; }
# Newer versions of Podman leave the image's annotations out.
has_its_annotation() { [[ $(podman_as_operator inspect --format '{{json .Config.Annotations}}' "$BOX") == *'"io.oci-oauth.profiles":"claude"'* ]]; }
has_no_directory() { fails inside "$BOX" ls "$target"; }

setup() {
    hostile_setup
    configure '.profiles.claude.deliver_to = "chosen"'
}

teardown() {
    configure '.profiles.claude.deliver_to = "all"'
    hostile_teardown
}
