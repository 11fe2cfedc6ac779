# SPDX-License-Identifier: Apache-2.0
# A directory that a person bound at the target, and in which somebody hostile plants what he can.
load world

@test "names are planted while refreshes run" {
    local directory planter
    directory=$(a_directory "$BOX")
    start "$BOX" --volume "$directory:$target"
    "$INTRUDER" plant "$directory" "$NEAR/file" 3>&- &
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
@test "the way to a written directory is swapped while refreshes run" {
    local parent swapper
    parent=$(a_directory "parent-$BOX")
    as_operator mkdir "$parent/sub"
    as_operator ln -s "$NEAR" "$parent.link"
    start "$BOX" --volume "$parent/sub:$target"
    "$INTRUDER" swap "$parent" "$parent.link" 100000000 3>&- &
    swapper=$!
    for ((i = 0; i < 10; ++i)); do refreshed || true; done
    kill "$swapper"
    wait "$swapper" || true
    [[ -d $parent/sub && ! -L $parent ]] || mv "$parent" "$parent.away"
    refreshed
    has_current_token "$BOX"
}

# A person logs in inside the container: the refreshes that follow leave the new login alone, and so does the end.
@test "a person logs in inside the container" {
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

# What a person wrote under our names: told with a remedy, and neither replaced nor removed.
@test "a person's own files have the delivered names" {
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
@test "a client keeps other logins in the delivered document" {
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
