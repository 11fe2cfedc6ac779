// SPDX-License-Identifier: Apache-2.0
// The names of the engines, as install and uninstall accept them and registrations use them.
#pragma once

#include <string_view>

namespace oci_oauth::engine_name {

constexpr std::string_view podman = "podman", crio = "crio", docker = "docker", containerd = "containerd",
                           cdi = "cdi", systemd = "systemd", proxy = "proxy";
constexpr std::string_view all[] = {podman, crio, docker, containerd, cdi, systemd, proxy};
// Those that `demo` can use, the best first.
constexpr std::string_view shown_by_demo[] = {podman, docker, "crun", "runc"};

}  // namespace oci_oauth::engine_name
