# SPDX-License-Identifier: Apache-2.0
# What an image can have in the place of each component of the target.
load world
load paths

# A profile for each kind and each of three components: a container that starts once tries them all.
@test "each component of the target is something hostile" {
    local kind root names=()
    root=$(a_rootfs)
    for kind in "${kinds[@]}"; do
        plant "$kind" "$root/$kind-1" "$CANARY/$kind-1"
        plant "$kind" "$root/$kind-2/a" "$CANARY/$kind-2"
        plant "$kind" "$root/$kind-3/a/b" "$CANARY/$kind-3"
        mkdir -p "$root$CANARY/$kind"-{1,2,3}
        names+=("$kind"-{1,2,3})
    done
    publish_for "${names[@]}"
    profiles_at '"/\(.)/a/b"' "${names[@]}"
    start "$BOX"
    no_more_profiles
    local targets=("${names[@]/#//}")
    outcomes "${targets[@]/%//a/b}"
}
