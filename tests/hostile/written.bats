# SPDX-License-Identifier: Apache-2.0
# A directory that a person bound at the target, and in which somebody hostile plants what he can.
load world
load paths

# A profile and a directory for each kind: a container that starts once tries them all.
@test "delivered names are planted in a written directory" {
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

@test "the person's own login is bound" {
    local before
    before=$(stat -c '%i %Y %Z %a %u' "$CREDENTIALS")
    start "$BOX" --volume "${CREDENTIALS%/*}:$target"
    says 'is the login itself, so it is left alone'
    says "set the profile's \"target\" to a separate directory"
    stop "$BOX"
    [[ $(stat -c '%i %Y %Z %a %u' "$CREDENTIALS") == "$before" ]]
    [[ ! -e ${CREDENTIALS%/*}/token ]]
}

@test "a directory with another login is bound" {
    local directory login='{"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}}'
    directory=$(a_directory "$BOX")
    echo "$login" >"$directory/.credentials.json"
    start "$BOX" --volume "$directory:$target"
    says 'contains a refresh token, so it is left alone'
    stop "$BOX"
    [[ $(cat "$directory/.credentials.json") == "$login" && ! -e $directory/token ]]
}
