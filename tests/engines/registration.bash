# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Registers with an engine as a person does; what oci-oauth notes of it goes to the lab's own /var/lib.

# register ENGINE [OPTION]...
register() {
    mkdir -p /run/lab/lib /etc/oci-oauth
    mount --bind /run/lab/lib /var/lib
    echo '{"profiles": {"claude": {"credentials": "/root/.claude/.credentials.json"}}}' >/etc/oci-oauth/config.json
    "$OCI_OAUTH_PREFIX/bin/oci-oauth" install "$@"
}

# deregister ENGINE FILE: FILE, which register made, is gone afterwards.
deregister() {
    "$OCI_OAUTH_PREFIX/bin/oci-oauth" uninstall "$1"
    [[ ! -e $2 ]]
    umount /var/lib
}
