// SPDX-License-Identifier: Apache-2.0
// The overview as Prometheus' text exposition format 0.0.4, for `status --prometheus` and for the node
// exporter's textfile collector.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "report/overview.h"

namespace oci_oauth {

std::string metrics_text(const Overview& overview, Time now);

// Takes an overview and publishes it as the configured metrics_file (whole, by rename, mode 0644: the
// exporter is another user). Does nothing if none is configured. Failure: "PATH: reason".
Result<void> write_metrics_file(const Config& config, Time now);

}  // namespace oci_oauth
