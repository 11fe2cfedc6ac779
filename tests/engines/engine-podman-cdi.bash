# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# Podman without hook files: a CDI device chooses.

load podman
load cdi

engine_up() { register_cdi; }
engine_down() { rm -rf /etc/cdi; }

hook_files() { mkdir -p "$1"; }
