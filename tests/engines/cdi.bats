# SPDX-License-Identifier: Apache-2.0
# What CDI has of its own: several devices on a container, for each of which the hook is called, and ones without
# environment.
load ../runtimes/oauth

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

setup_file() { engine_up; }
teardown_file() { engine_down; }

@test "two devices bring two profiles, which are refreshed and forgotten together" {
    two_profiles
    local directory
    directory=$(a_directory tokens)
    start box "${chosen[@]}" --device oci-oauth.dev/profile=other --volume "$directory:$other_target"
    [[ $(deliveries) == 'claude mount other write' ]]
    refreshed
    oci_oauth refresh other
    has_current_token box
    has_current_token box "$other_target"
    stop box
    [[ $(deliveries) == 'claude  other ' ]]
    [[ -z $(ls -A "$directory") ]]
}

@test "the person's variable wins with the device that sets none" {
    a_login
    a_profile
    oci_oauth refresh
    start box --device oci-oauth.dev/profile=claude:no-env --env "$variable=/mine"
    has_current_token box
    [[ $(tr '\0' '\n' <"/proc/$(pid_of box)/environ") == *"$variable=/mine"* ]]
}
