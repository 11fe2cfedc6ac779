# SPDX-License-Identifier: Apache-2.0
# Several CDI devices on a container: the hook is called for each.
load ../runtimes/oauth

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
