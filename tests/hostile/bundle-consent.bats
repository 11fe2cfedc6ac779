# SPDX-License-Identifier: Apache-2.0
# Who chooses a container: a person, with real images whose authors would like to.
load world
load consent

@test "an anonymous volume stays empty" {
    local volume
    volume=$OPERATOR_HOME/volumes/$(printf 'a%.0s' {1..64})/_data
    as_operator mkdir -p "$volume"
    start "$BOX" --volume "$volume:$target"
    [[ -z $(ls -A "$volume") ]]
    says 'the engine created the volume'
}
