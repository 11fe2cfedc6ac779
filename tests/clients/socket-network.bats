# SPDX-License-Identifier: Apache-2.0
# Claude Code with `"delivery": "socket"` in a container that has a network: the host's. Clients that know only TCP have no port
# there.
bats_require_minimum_version 1.5.0
CLIENT=claude
load socket

@test "in the host's network it asks through the socket, too" {
    CONTAINER_NETWORK=host
    start_container
    expect_answered 0
    saw 'its answer through the socket'
}
