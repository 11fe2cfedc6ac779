# SPDX-License-Identifier: Apache-2.0
# A directory that a person bound at the target, and in which somebody hostile plants what he can.
load world

@test "temporary names are links in a written directory" {
    local directory pid
    directory=$(a_directory "$BOX")
    pid=$BASHPID
    for ((i = pid; i < pid + 400; ++i)); do
        ln "$NEAR/file" "$directory/.token.$i.oci-oauth"
        ln -s "$NEAR/file" "$directory/..credentials.json.$i.oci-oauth"
    done
    start "$BOX" --volume "$directory:$target"
    has_current_token "$BOX"
    find "$directory" -name '.*.oci-oauth' -delete
}

@test "the end of a container leaves nothing in a written directory" {
    local directory
    directory=$(a_directory "$BOX")
    start "$BOX" --volume "$directory:$target"
    has_current_token "$BOX"
    cp "$directory/token" "$directory/.token.4711.oci-oauth" # a writer was killed
    stop "$BOX"
    [[ -z $(ls -A "$directory") && ! -e $(runtime_dir)/containers/$BOX.json ]]
}
