// SPDX-License-Identifier: Apache-2.0
// SELinux labels of files, if SELinux is enabled; otherwise nothing happens.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

// Whether selinuxfs is mounted: selinux(8).
bool selinux_is_on();

// "user:role:type:s0:c1,c2" -> "user:role:type:s0": what every container of that type may read, whatever its
// categories. Text in another format is returned unchanged.
std::string without_categories(std::string_view label);

// Sets the label of the file `fd` (not O_PATH). Failure: names the label and the reason.
Result<void> set_selinux_label(int fd, const std::string& label, std::string_view shown);

}  // namespace oci_oauth
