# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Podman as it finds its configuration by itself: no --hooks-dir and no CONTAINERS_CONF say where the hooks are.

load ../../runtimes/engine-podman

podman_as_operator() {
    as_operator podman --runtime crun --root "$OPERATOR_HOME/storage" --runroot "$XDG_RUNTIME_DIR/storage" \
        --storage-driver vfs "$@"
}
