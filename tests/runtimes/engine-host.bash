# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# No engine: tests of oci-oauth on the host, which start no container.

delete_containers() { :; }
