// SPDX-License-Identifier: Apache-2.0
#include "hook/freshen.h"

#include "hook/refresh_request.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

Error no_token(const std::optional<Published>& published) {
  if (!published || !published->last_error)
    return {ErrorKind::temporary, "there is no valid token", "oci-oauth refresh"};
  return to_error(*published->last_error);
}

bool is_valid(const std::optional<Published>& published, Time time) {
  return published && published->has_token() && time < published->expires_at;
}

}  // namespace

Need need_of(const std::optional<Published>& published, LoginChange login, Time time) {
  if (!published || login == LoginChange::changed) return Need::wait;
  const Freshness state = freshness(*published, time);
  if (published->has_token() && state == Freshness::fresh) return Need::nothing;
  // A dead login or a cool-down needs no refresher to report it again.
  if (published->is_futile(time)) return Need::nothing;
  return state == Freshness::due ? Need::refresh : Need::wait;
}

Result<Fresh> judge(const std::optional<Published>& published, Result<void> asked, Time time) {
  if (!is_valid(published, time)) return asked ? no_token(published) : std::move(asked).error();
  Fresh fresh = {std::nullopt, published->shadowed_by};
  if (!asked) fresh.trouble = std::move(asked).error();
  return fresh;
}

Result<Fresh> freshen(const CreateContext& context, const Profile& profile) {
  const Time time = now();
  auto published = context.runtime.published(profile.name);
  if (!published) return std::move(published).error();
  const RefreshRequest request = {context.runtime, profile.name, context.call.config.path,
                                  context.process.fd(), *published ? (*published)->attempts : 0};
  const bool is_changed = *published && !login_is_unchanged(profile.credentials, **published);
  switch (need_of(*published, is_changed ? LoginChange::changed : LoginChange::unchanged, time)) {
    case Need::nothing:
      return judge(*published, {}, time);
    case Need::refresh:
      return judge(*published, start_refresh(request), time);
    case Need::wait:
      break;
  }
  auto waited = wait_for_refresh(request, context.began + profile.hook_wait);
  published = context.runtime.published(profile.name);
  if (!published) return std::move(published).error();
  return judge(*published, std::move(waited), now());
}

}  // namespace oci_oauth
