# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What engines have in common that read a CDI spec.

load registration

readonly chosen=(--device oci-oauth.dev/profile=claude)
# Engines set a device's variables over the person's.
readonly variable_of_a_person=/run/secrets/claude
readonly other_target=/run/secrets/other

# A second profile for the same login, and a device for it.
two_profiles() {
    a_login
    a_profile
    configure '.profiles.other = (.profiles.claude | .provider = "claude")'
    oci_oauth refresh
    "$OCI_OAUTH_PREFIX/bin/oci-oauth" install cdi >/dev/null
}

# Who has what, as "claude mount other write".
deliveries() {
    oci_oauth status --json |
        jq -r '[.profiles[] | "\(.name) \(.containers | map(.delivery) | join(","))"] | join(" ")'
}
