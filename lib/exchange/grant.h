// SPDX-License-Identifier: Apache-2.0
// What a token endpoint granted, as the login's document gets it.
#pragma once

#include "exchange/credential_document.h"
#include "exchange/token_answer.h"

namespace oci_oauth {

// The members of an answer that read_token_answer() must keep for this.
std::vector<std::string> answer_members(const CredentialFields& fields);

// `answer` is of the kind granted and arrived at `time`; what it leaves open is as in `document`.
Grant grant_of(const TokenAnswer& answer, const CredentialDocument& document, const CredentialFields& fields,
               Time time);

}  // namespace oci_oauth
