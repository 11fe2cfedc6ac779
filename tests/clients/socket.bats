# SPDX-License-Identifier: Apache-2.0
# A published client, $CLIENT, in a container that has neither its token nor a network: `"delivery": "socket"`. Each test writes
# what it saw to FIGURES/socket-CLIENT.ENGINE.TEST.
bats_require_minimum_version 1.5.0
load socket

saw() { echo "$1" >"$FIGURES/socket-$CLIENT.$ENGINE.$BATS_TEST_NUMBER"; }

@test "with neither token nor network it gets its answer" {
    start_container
    expect_answered 0
    saw 'its answer'
}

@test "its session goes on after a rotation that ended the old token" {
    stand_in 'hold?what=api&n=99'
    start_container
    eventually --at "$WORLD/requests" is_held 1
    stand_in 'refuse_old?on=1'
    oci_oauth refresh --force "$CLIENT"
    stand_in release
    expect_answered 1
    [[ $(count '.what == "api" and .status == 401') == 0 ]]
    saw 'without a refused request'
}
