// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include "support/catch.h"
#include "support/overviews.h"

using namespace oci_oauth;
using namespace oci_oauth::test;

TEST_CASE("the JSON has the fixed words, and null where there is nothing") {
  ProfileView view = profile("claude", ProfileState::login_required);
  view.published->last_error = LastError{FailureKind::login_required, "400", "log in again", noon};
  view.containers = {container("box", DeliveryKind::write, Holding::outdated),
                     container("other", DeliveryKind::mount, Holding::current)};
  view.containers[0].reason = "token contains an older token";
  view.containers[1].shadowed_by = {"ANTHROPIC_API_KEY"};
  CHECK(overview_json(overview_of({view, unpublished("other")})) == R"({
  "version": 1,
  "profiles": [
    {
      "name": "claude",
      "provider": "claude",
      "state": "login_required",
      "expires_at": "2026-11-24T19:59:00Z",
      "refreshed_at": "2026-11-24T11:59:00Z",
      "login_expires_at": "2026-12-21T15:00:00Z",
      "last_error": {
        "kind": "login_required",
        "message": "400",
        "at": "2026-11-24T12:00:00Z"
      },
      "containers": [
        {
          "id": "box",
          "delivery": "write",
          "path": "/run/secrets/claude",
          "state": "outdated",
          "reason": "token contains an older token",
          "shadowed_by": []
        },
        {
          "id": "other",
          "delivery": "mount",
          "path": "/run/secrets/claude",
          "state": "current",
          "reason": null,
          "shadowed_by": [
            "ANTHROPIC_API_KEY"
          ]
        }
      ]
    },
    {
      "name": "other",
      "provider": "claude",
      "state": "unknown",
      "expires_at": null,
      "refreshed_at": null,
      "login_expires_at": null,
      "last_error": null,
      "containers": []
    }
  ],
  "sinks": []
}
)");
}

TEST_CASE("a sink is reported with its last success and its failures since") {
  Overview overview = overview_of({});
  overview.sinks.push_back({"claude", "exec /bin/true", noon, 2, "exit status 1", "", noon});
  CHECK(overview_json(overview).find(R"(
    {
      "profile": "claude",
      "sink": "exec /bin/true",
      "delivered_at": "2026-11-24T12:00:00Z",
      "failures": 2,
      "error": "exit status 1",
      "failed_at": "2026-11-24T12:00:00Z"
    })") != std::string::npos);
}
