# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A directory that a person bound at the target, and in which somebody hostile plants what he can.

# A profile and a directory for each kind: a container that starts once tries them all.
names_are_planted() {
    local kind planted=(symlink hardlink directory fifo device socket) volumes=() directory name
    for kind in "${planted[@]}"; do
        directory=$(a_directory "planted-$kind")
        name=$directory/token
        case $kind in
            symlink) ln -s "$NEAR/file" "$name" ;;
            hardlink) ln "$NEAR/file" "$name" ;;
            directory) mkdir "$name" ;;
            *) plant "$kind" "$name" ;;
        esac
        volumes+=(--volume "$directory:/$kind/a")
    done
    publish_for "${planted[@]}"
    profiles_at '"/\(.)/a"' "${planted[@]}"
    start "$BOX" "${volumes[@]}"
    no_more_profiles
    local targets=("${planted[@]/#//}")
    outcomes "${targets[@]/%//a}"
    [[ $(log_since_mark | grep -c 'left alone') == "${#planted[@]}" ]]
    stop "$BOX"
    rm -rf "$OPERATOR_HOME"/planted-*
}

temporary_names_are_planted() {
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

names_are_planted_during_refreshes() {
    local directory planter
    directory=$(a_directory "$BOX")
    start "$BOX" --volume "$directory:$target"
    "$INTRUDER" plant "$directory" "$NEAR/file" &
    planter=$!
    for ((i = 0; i < 10; ++i)); do refreshed || true; done
    kill "$planter"
    wait "$planter" || true
    rm -rf "${directory:?}"/{token,.credentials.json}
    refreshed
    has_current_token "$BOX"
    stop "$BOX"
    rm -rf "$directory"
}

# The path that the record holds leads elsewhere, then back, while refreshes run.
parents_are_swapped_during_refreshes() {
    local parent swapper
    parent=$(a_directory "parent-$BOX")
    as_operator mkdir "$parent/sub"
    as_operator ln -s "$NEAR" "$parent.link"
    start "$BOX" --volume "$parent/sub:$target"
    "$INTRUDER" swap "$parent" "$parent.link" 100000000 &
    swapper=$!
    for ((i = 0; i < 10; ++i)); do refreshed || true; done
    kill "$swapper"
    wait "$swapper" || true
    [[ -d $parent/sub && ! -L $parent ]] || mv "$parent" "$parent.away"
    refreshed
    has_current_token "$BOX"
}

the_login_is_bound() {
    local before
    before=$(stat -c '%i %Y %Z %a %u' "$CREDENTIALS")
    start "$BOX" --volume "${CREDENTIALS%/*}:$target"
    says 'is the login itself, so it is left alone'
    says "set the profile's \"target\" to a separate directory"
    stop "$BOX"
    [[ $(stat -c '%i %Y %Z %a %u' "$CREDENTIALS") == "$before" ]]
    [[ ! -e ${CREDENTIALS%/*}/token ]]
}

another_login_is_bound() {
    local directory login='{"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}}'
    directory=$(a_directory "$BOX")
    echo "$login" >"$directory/.credentials.json"
    start "$BOX" --volume "$directory:$target"
    says 'contains a refresh token, so it is left alone'
    stop "$BOX"
    [[ $(cat "$directory/.credentials.json") == "$login" && ! -e $directory/token ]]
}

# A person logs in inside the container: the refreshes that follow leave the new login alone, and so does the end.
a_login_comes_later() {
    local directory login='{"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}}'
    directory=$(a_directory "$BOX")
    start "$BOX" --volume "$directory:$target"
    has_current_token "$BOX"
    echo "$login" >"$directory/new"
    mv "$directory/new" "$directory/.credentials.json"
    refreshed || true
    stop "$BOX"
    [[ $(cat "$directory/.credentials.json") == "$login" ]]
    [[ $(ls -A "$directory") == .credentials.json ]]
}

the_end_leaves_nothing() {
    local directory
    directory=$(a_directory "$BOX")
    start "$BOX" --volume "$directory:$target"
    has_current_token "$BOX"
    cp "$directory/token" "$directory/.token.4711.oci-oauth" # a writer was killed
    stop "$BOX"
    [[ -z $(ls -A "$directory") && ! -e $(runtime_dir)/containers/$BOX.json ]]
}

# What a person wrote under our names: told with a remedy, and neither replaced nor removed.
a_persons_files_are_there() {
    local directory
    directory=$(a_directory "$BOX")
    echo glpat-mine >"$directory/token"
    echo '{"claudeAiOauth":{"accessToken":"sk-ant-oat01-a-year","scopes":["user:inference"]}}' >"$directory/.credentials.json"
    sha256sum "$directory"/{token,.credentials.json} >"$BATS_TEST_TMPDIR/before"
    start "$BOX" --volume "$directory:$target"
    says 'token: was not written by oci-oauth, so it is left alone'
    refreshed
    stop "$BOX"
    sha256sum --check --quiet "$BATS_TEST_TMPDIR/before"
}

# A client in the container keeps logins of its own in the delivered document.
the_document_is_shared() {
    local directory mcp='{"mcpOAuth":{"server":{"accessToken":"a","refreshToken":"r"}}}'
    directory=$(a_directory "$BOX")
    # shellcheck disable=SC2016
    echo "$mcp" | as_operator sh -c 'umask 077 && cat >"$0"' "$directory/.credentials.json"
    start "$BOX" --volume "$directory:$target"
    has_current_token "$BOX"
    refreshed
    has_current_token "$BOX"
    [[ $(jq -r .claudeAiOauth.accessToken "$directory/.credentials.json") == "$(current_token)" ]]
    [[ $(stat -c %a "$directory/.credentials.json") == 600 ]]
    stop "$BOX"
    [[ $(cat "$directory/.credentials.json") == "$mcp" && $(ls -A "$directory") == .credentials.json ]]
}

written_cases() {
    try "delivered names are planted in a written directory" names_are_planted
    if has_bundles; then
        try "temporary names are links in a written directory" temporary_names_are_planted
        try "the end of a container leaves nothing in a written directory" the_end_leaves_nothing
    fi
    if [[ $ENGINE == @(crun|podman-rootless) ]]; then
        try "names are planted while refreshes run" names_are_planted_during_refreshes
        try "the way to a written directory is swapped while refreshes run" parents_are_swapped_during_refreshes
        try "a person logs in inside the container" a_login_comes_later
        try "a person's own files have the delivered names" a_persons_files_are_there
        try "a client keeps other logins in the delivered document" the_document_is_shared
    fi
    try "the person's own login is bound" the_login_is_bound
    try "a directory with another login is bound" another_login_is_bound
}
