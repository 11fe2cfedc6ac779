# SPDX-License-Identifier: Apache-2.0
# The files for Kubernetes that are shipped: what kubectl makes of them, and the kubelet.
load ../runtimes/oauth

readonly shipped=$OCI_OAUTH_PREFIX/share/oci-oauth/kubernetes

setup_file() { engine_up; }
teardown_file() { engine_down; }

# With another image, and without a cluster: the first keeps every field, the second those that Kubernetes knows.
pod_as_written() {
    kubectl label --local --filename "$shipped/pod.yaml" --output json a=b |
        jq --arg image "$image" 'del(.metadata.labels) | .spec.containers[0].image = $image'
}
pod_as_known() { kubectl set image --local --filename "$shipped/pod.yaml" --output json "agent=$image"; }

@test "Kubernetes knows each field of the pod, and the RuntimeClass is the pod's" {
    jq -n -e --argjson known "$(pod_as_known)" --argjson written "$(pod_as_written)" '$known | contains($written)'
    [[ $(pod_as_known | jq -r .spec.runtimeClassName) == oci-oauth ]]
    [[ $(kubectl label --local --filename "$shipped/runtimeclass.yaml" --output json a=b | jq -r '"\(.metadata.name) \(.handler)"') == \
        'oci-oauth oci-oauth' ]]
}

@test "the pod's container, as the kubelet asks for it, has the token, and its volume is empty when it is gone" {
    a_login
    a_profile
    mapfile -t options < <(pod_as_known | jq -r --arg volume "$volume" '.spec.containers[0]
        | (.env[] | "--env", "\(.name)=\(.value)"), (.volumeMounts[] | "--volume", "\($volume):\(.mountPath)")')
    start agent "${options[@]}"
    has_current_token agent
    refreshed
    has_current_token agent
    stop agent
    [[ -z $(ls -A "$volume") ]]
}
