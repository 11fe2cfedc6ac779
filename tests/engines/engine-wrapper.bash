# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: runc crun
# The wrapper called as an engine calls a runtime, with the runtimes' bundles: a tmpfs at the target chooses.

bundle_runtime=oci-oauth-runtime
load ../runtimes/engine-bundle

readonly chosen=(--tmpfs /run/secrets/claude)
readonly variable_of_a_person=/mine

engine_up() { :; }
engine_down() { :; }

# The hooks are the wrapper's to add.
hook_entries() { echo '{}'; }

# A second time with the bundle that has been edited.
restart() {
    stop "$1"
    start_bundle "$1"
}
start_bundle() {
    detached "$(bundle_of "$1")/output" as_operator oci-oauth-runtime "${@:2}" run --detach --bundle "$(bundle_of "$1")" "$1"
}
