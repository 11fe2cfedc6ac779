// SPDX-License-Identifier: Apache-2.0
// The engines as people type them: what install and uninstall take, and what is registered by that name.
#pragma once

#include <string_view>

namespace oci_oauth::engine_name {

constexpr std::string_view podman = "podman", crio = "crio", docker = "docker", containerd = "containerd",
                           cdi = "cdi", systemd = "systemd";
constexpr std::string_view all[] = {podman, crio, docker, containerd, cdi, systemd};

}  // namespace oci_oauth::engine_name
