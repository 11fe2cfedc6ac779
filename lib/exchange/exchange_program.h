// SPDX-License-Identifier: Apache-2.0
// What the programs share that run as the login's owner for oci-oauth: a request on stdin, a report on
// stdout.
#pragma once

#include <string>

#include "worker/worker.h"

namespace oci_oauth {

// The whole main(): `work` is done without interruptions but signals, with private memory. Result: the exit
// status.
int run_exchange_program(int argc, char** argv, const std::string& name, const char* help,
                         ExchangeReport (*work)(const ExchangeRequest&));

}  // namespace oci_oauth
