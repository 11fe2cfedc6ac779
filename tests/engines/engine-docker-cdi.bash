# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Docker 26 without the wrapper: a CDI device chooses.

load docker-of-trixie
load cdi

registered() {
    prepare_tree
    echo '{"features": {"cdi": true}}' >/etc/docker/daemon.json
    register cdi
}
deregistered() { deregister cdi /etc/cdi/oci-oauth.json; }
