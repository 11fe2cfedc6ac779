# SPDX-License-Identifier: Apache-2.0
# A CDI device where Podman has our hook files too: the hook is called for both.
load ../runtimes/oauth

setup_file() { engine_up; }
teardown_file() { engine_down; }

@test "hook files beside a device deliver nothing twice and lose nothing" {
    hook_stages=(createRuntime poststop precreate)
    two_profiles
    start box "${chosen[@]}" --tmpfs "$target" --tmpfs "$other_target"
    local directory
    for directory in "$target" "$other_target"; do
        has_current_token box "$directory"
        [[ $(inside box grep -c " $directory " /proc/mounts) == 2 ]]
    done
    [[ $(deliveries) == 'claude mount other mount' ]]
    stop box
    [[ $(deliveries) == 'claude  other ' ]]
}
