// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_report.h"

#include "base/file.h"

namespace oci_oauth {

Result<void> send_report(int fd, const ExchangeReport& report) {
  std::string line;
  append_secret(line, write_record(report).reveal());
  append_secret(line, "\n");
  return write_all(fd, Secret(std::move(line)).reveal(), "report");
}

}  // namespace oci_oauth
