# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# Podman with our three hook files, whose precreate stage gives the environment: a tmpfs at the target chooses.

load podman

readonly chosen=(--tmpfs /run/secrets/claude)
readonly variable_of_a_person=/mine
hook_stages+=(precreate)

engine_up() { :; }
engine_down() { :; }
