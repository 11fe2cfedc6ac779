# SPDX-License-Identifier: Apache-2.0
# Pods: a container of a pod is chosen like any other, and its neighbours are not.
load oauth

# A pod whose first process is busybox's: no registry has Podman's own image for it.
a_pod() {
    an_image infra
    podman_as_operator pod create --name "$1" --network none --infra-image infra --infra-command '/bin/sleep infinity' \
        "${cgroup_parent[@]}" >/dev/null 3>&-
}

@test "a pod's chosen container has the token, its neighbour in the pod has none, and both end with the pod" {
    a_login
    a_profile
    a_pod pod
    start box --pod pod --tmpfs "$target"
    start other --pod pod
    has_current_token box
    refreshed
    has_current_token box
    run inside other ls "$target"
    ((status != 0))
    podman_as_operator pod rm --force --time 0 pod >/dev/null 3>&-
    [[ -z $(ls -A "$(runtime_dir)/containers") ]]
}
