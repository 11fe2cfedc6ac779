# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What engines have in common that read a CDI spec.

load registration

readonly chosen=(--device oci-oauth.dev/profile=claude)
# Engines set a device's variables over the person's.
readonly variable_of_a_person=/run/secrets/claude
