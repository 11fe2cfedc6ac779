// SPDX-License-Identifier: Apache-2.0
// The one place that names the test framework, so that its next major version is a one-line change.
#pragma once

#include <catch2/catch.hpp>
