// SPDX-License-Identifier: Apache-2.0
// Where programs are installed, as installation_prefix() counts it: directories between a program and PREFIX.
#pragma once

namespace oci_oauth {

inline constexpr unsigned levels_of_command = 1;  // PREFIX/bin/oci-oauth, PREFIX/bin/oci-oauth-runtime
inline constexpr unsigned levels_of_helper = 2;   // PREFIX/libexec/oci-oauth/oci-oauth-probe
inline constexpr unsigned levels_of_hook = 3;     // PREFIX/libexec/oci/hooks.d/oci-oauth-hook

}  // namespace oci_oauth
