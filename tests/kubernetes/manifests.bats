#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The manifests that are shipped, as kubectl reads them beside a fake API server, which has the published schemas of
# core/v1 and apps/v1, and those of tests/kubernetes/openapi, which has only what manifests of ours use.

shipped=$BATS_TEST_DIRNAME/../../oci-config/kubernetes

apply() {
    kubectl --server "$(cat "$LAB/url")" --certificate-authority "$LAB/ca.pem" --token admin --cache-dir "$BATS_TEST_TMPDIR" \
        apply --dry-run=client --validate=true --filename "$1"
}
with() { sed "$1" "$shipped/fleet.yaml" >"$BATS_TEST_TMPDIR/changed.yaml"; }

@test "kubectl knows each field of the fleet's manifests" {
    run apply "$shipped/fleet.yaml"
    echo "$output"
    ((status == 0))
    (($(grep --count 'dry run' <<<"$output") == $(grep --count '^kind:' "$shipped/fleet.yaml")))
    apply "$shipped/pod.yaml"
}

@test "a word that is misspelt, missing or of another type is refused" {
    while IFS='|' read -r change why; do
        with "$change"
        ! cmp --silent "$shipped/fleet.yaml" "$BATS_TEST_TMPDIR/changed.yaml"
        run apply "$BATS_TEST_TMPDIR/changed.yaml"
        echo "$change: $output"
        ((status != 0))
        [[ $output == *"$why"* ]]
    done <<'END'
s/serviceAccountName: oci-oauth-follower/serviceAcountName: x/|unknown field "serviceAcountName"
s/hostPath: {path: .run/hostPath: {pth: \/run/|unknown field "pth"
s/resourceNames: \[oci-oauth-claude\]/resourceName: [x]/|unknown field "resourceName"
s/replicas: 2/replicas: two/|invalid type for io.k8s.api.apps.v1.StatefulSetSpec.replicas
s/protocol: UDP, port/protocol: UDP, prt/|unknown field "prt"
s/verbs: \[list, watch\]//|missing required field "verbs"
END
}

@test "the configurations in the manifests are ones that our programs take" {
    for name in refresher follower; do
        sed -n "/^  name: oci-oauth-$name$/,/^---$/p" "$shipped/fleet.yaml" |
            sed -n '/^  config.json: |$/,/^---$/s/^    //p' >"$BATS_TEST_TMPDIR/config.json"
        [[ -s $BATS_TEST_TMPDIR/config.json ]]
        run "$OCI_OAUTH_PREFIX/bin/oci-oauth" fleet status --config "$BATS_TEST_TMPDIR/config.json"
        echo "$output"
        # All of it is accepted; there is no such service account here.
        [[ $output == *"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"* ]]
    done
}
