# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the tests for Podman: those of the runtimes' lab, and a restart.

load ../runtimes/engine-podman

restart() { podman_as_operator restart --time 0 "$1" >/dev/null 3>&-; }
