# SPDX-License-Identifier: Apache-2.0
# Who chooses a container: a person, with real images whose authors would like to.
load world
load consent

@test "an image is built" {
    greedy_image;
}

@test "an image's volume chooses nothing" {
    start_image "$image"
    has_nothing
    [[ $(log_since_mark | grep -c "no token delivered: the engine created the volume at '$target' for the image, as the 64 hexadecimal digits in '.*' show; mount a tmpfs or bind-mount a directory there to choose the container (a directory without such a name)") == 1 ]]
}

@test "an image's volume as tmpfs chooses nothing" {
    start_image "$image" --image-volume tmpfs
    has_nothing
    says 'like those that Podman mounts for an image'
}

@test "an image's annotation chooses nothing" {
    start_image "$image-annotated"
    has_no_directory
    local expected=0
    ! has_its_annotation || expected=1
    [[ $(log_since_mark | grep -c 'no token delivered: the annotation io.oci-oauth.profiles may come from the image') == "$expected" ]]
}

@test "an environment variable and a label choose nothing" {
    start_image "$image-annotated" --env OCI_OAUTH_PROFILES=claude --env OCI_OAUTH_PROFILE=claude --label io.oci-oauth.profiles=claude \
        --annotation io.oci-oauth.profiles=
    has_no_directory
    [[ $(log_since_mark) != *oci-oauth-hook* ]]
}

@test "a person chooses the same image" {
    start_image "$image" --tmpfs "$target"
    has_current_token "$BOX"
}
