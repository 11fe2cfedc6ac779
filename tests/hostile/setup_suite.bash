# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A host with a login, and its canaries, for all hostile tests of an engine.
BATS_TEST_DIRNAME=${BASH_SOURCE[0]%/*}
load world

setup_suite() {
    world_variables
    oauth_setup
    a_login
    a_profile '.deliver_to = "all"'
    make_world
    oci_oauth refresh claude
}

teardown_suite() {
    oauth_teardown
    rm -rf "$CANARY"
}
