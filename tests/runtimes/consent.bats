# SPDX-License-Identifier: Apache-2.0
# Only a person on the host chooses a container; what images try is in tests/hostile.
load oauth

@test "an annotation chooses nothing" {
    a_login
    a_profile
    start box --annotation io.oci-oauth.profiles=claude
    run inside box ls "$target"
    ((status != 0))
    [[ $(counted posts) == 0 ]]
}

@test "an annotation chooses where the profile trusts annotations" {
    a_login
    a_profile '.trust_annotations = true'
    start box --annotation io.oci-oauth.profiles=claude
    has_current_token box
}

@test "a bind mount beside the target chooses nothing" {
    a_login
    a_profile
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target-2"
    run inside box ls "$target"
    ((status != 0))
    [[ -z $(ls -A "$directory") ]]
}
