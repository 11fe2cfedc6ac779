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
    # What a step of a build finds at the target, by its own mount and by the volume of the image that it is built on.
    cat >"$context/Step" <<END
FROM $image
RUN --mount=type=tmpfs,target=/run/secrets/tmpfs ls -A /run/secrets/tmpfs $target >/found 2>&1; cat $target/token /run/secrets/tmpfs/token || true
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
has_no_directory() { fails inside "$BOX" ls "$target"; }

an_image_is_built() { greedy_image; }

a_volume_chooses_nothing() {
    start_image "$image"
    has_nothing
    [[ $(log_since_mark | grep -c "no token delivered: the engine created the volume at '$target' for the image, as the 64 hexadecimal digits in '.*' show; mount a tmpfs or bind-mount a directory there to choose the container (a directory without such a name)") == 1 ]]
}

a_volume_as_tmpfs_chooses_nothing() {
    start_image "$image" --image-volume tmpfs
    has_nothing
    says 'like those that Podman mounts for an image'
}

an_annotation_chooses_nothing() {
    start_image "$image-annotated"
    has_no_directory
    [[ $(log_since_mark | grep -c 'no token delivered: the annotation io.oci-oauth.profiles may come from the image') == 1 ]]
}

an_environment_chooses_nothing() {
    start_image "$image-annotated" --env OCI_OAUTH_PROFILES=claude --env OCI_OAUTH_PROFILE=claude --label io.oci-oauth.profiles=claude \
        --annotation io.oci-oauth.profiles=
    has_no_directory
    [[ $(log_since_mark) != *oci-oauth-hook* ]]
}

a_build_chooses_nothing() {
    configure '.profiles.other = (.profiles.claude | .provider = "claude" | .target = "/run/secrets/tmpfs")'
    local output
    output=$(build "$image-step" Step)
    configure 'del(.profiles.other)'
    echo "$output"
    [[ $output != *"$(current_token)"* ]]
    says "profile 'claude', container buildah-"
    says "profile 'other', container buildah-"
    says 'belongs to an image build, whose Dockerfile may come from anybody'
}

a_person_chooses_the_same_image() {
    start_image "$image" --tmpfs "$target"
    has_current_token "$BOX"
}

an_anonymous_volume_stays_empty() {
    local volume
    volume=$OPERATOR_HOME/volumes/$(printf 'a%.0s' {1..64})/_data
    as_operator mkdir -p "$volume"
    start "$BOX" --volume "$volume:$target"
    [[ -z $(ls -A "$volume") ]]
    says 'the engine created the volume'
}

consent_cases() {
    configure '.profiles.claude.deliver_to = "chosen"'
    if has_bundles; then
        try "an anonymous volume stays empty" an_anonymous_volume_stays_empty
    else
        try "an image is built" an_image_is_built
        try "an image's volume chooses nothing" a_volume_chooses_nothing
        try "an image's volume as tmpfs chooses nothing" a_volume_as_tmpfs_chooses_nothing
        try "an image's annotation chooses nothing" an_annotation_chooses_nothing
        try "an environment variable and a label choose nothing" an_environment_chooses_nothing
        try "a person chooses the same image" a_person_chooses_the_same_image
        [[ $ENGINE == podman-rootless ]] || try "a step of an image build chooses nothing" a_build_chooses_nothing
    fi
    configure '.profiles.claude.deliver_to = "all"'
}
