# SPDX-License-Identifier: Apache-2.0
# What differs where the engine has no root on the host.
load oauth

@test "a container that keeps the person's id reads the token" {
    a_login
    a_profile
    start box --userns keep-id --tmpfs "$target"
    has_current_token box
}

@test "a system-wide hook leaves a rootless container alone, quietly" {
    a_login
    a_profile
    install -D -m 644 "$CONFIG" /etc/oci-oauth/config.json
    HOOK_ARGS=()
    start box --tmpfs "$target"
    [[ -z $(inside box ls "$target") ]]
    [[ $(logged) != *oci-oauth* ]]
}
