# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# Podman without hook files: a CDI device chooses.

load podman
load cdi

hook_stages=()

engine_up() { register cdi; }
engine_down() { deregister cdi /etc/cdi/oci-oauth.json; }
