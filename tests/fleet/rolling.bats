# SPDX-License-Identifier: Apache-2.0
# Members are replaced by those of the next version, one after the other, while hosts follow: ./dev faults fleet.
load words
load hosts

@test "hosts follow through the replacement of every member by the next version" {
    [[ ${ETCD_VERSIONS:-} ]] || skip 'no versions of etcd: tests/fleet/get-etcd'
    export BOUND=90
    make_keys
    make_host 1
    start_host 1
    generation=0
    for version in $ETCD_VERSIONS; do
        for n in 1 2 3; do
            end_member "$n"
            export "ETCD_$n=$version"
            start_member "$n"
            await_members
            eventually publish $((++generation))
            eventually has_token 1 "$generation"
        done
    done
    end_host 1
}
