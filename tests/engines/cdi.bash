# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The CDI spec that the tests' engines read, and what follows from it.

readonly chosen=(--device oci-oauth.dev/profile=claude)
# Engines set a device's variables over the person's.
readonly variable_of_a_person=/run/secrets/claude

# What `oci-oauth install cdi` writes for one profile; tests/setup holds the generator to the same text.
register_cdi() {
    mkdir -p /etc/cdi
    jq -n --arg path "$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook" '
        def hook($stage): {hookName: $stage, $path, args: ["oci-oauth-hook", "--profile", "claude", $stage],
            env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], timeout: 15};
        {cdiVersion: "0.3.0", kind: "oci-oauth.dev/profile", devices: [{name: "claude", containerEdits: {
            env: ["CLAUDE_SECURESTORAGE_CONFIG_DIR=/run/secrets/claude"],
            hooks: [hook("createRuntime"), hook("poststop")]}}]}' >/etc/cdi/oci-oauth.json
}
