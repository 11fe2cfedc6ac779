// SPDX-License-Identifier: Apache-2.0
#include "config/provider.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/json_object.h"
#include "base/size.h"
#include "config/config.h"
#include "config/key_reader.h"

namespace oci_oauth {

namespace {

constexpr size_t provider_limit = 256 * KiB;

// A delivered field must not be the refresh token or an object that contains it.
bool reveals(const std::string& field, const std::string& refresh_token) {
  return refresh_token == field || refresh_token.starts_with(field + "/");
}

bool is_within(const std::string& field, const std::string& member) {
  return field == member || field.starts_with(member + "/");
}

// Our member of a document contains all that we deliver in it, and the access token, by which we know it
// again.
Result<void> check_member(const DeliveredFile& file, const Provider& provider, const Place& place) {
  bool has_token = false;
  for (const std::string& field : file.fields) {
    if (!is_within(field, file.member))
      return place.mistake(fmt::format("'{}' does not contain the field '{}'", file.member, field));
    has_token = has_token || is_within(provider.fields.access_token, field);
  }
  if (!has_token) return place.mistake("the access token must be among its fields");
  return {};
}

Result<void> check_delivered(const Provider& provider, const Place& root) {
  const Place deliver = {root.source, &root, "deliver"};
  unsigned index = 0;
  for (const DeliveredFile& file : provider.deliver) {
    const std::string name = std::to_string(index++);
    const Place place = {root.source, &deliver, name};
    for (const std::string& field : file.fields) {
      if (reveals(field, provider.fields.refresh_token))
        return Place{root.source, &place, "fields"}.mistake(
            fmt::format("'{}' would deliver the refresh token", field));
    }
    if (!file.member.empty()) TRY(check_member(file, provider, {root.source, &place, "member"}));
  }
  return {};
}

Result<void> check_provider(const Provider& provider, const Place& root) {
  const CredentialFields& fields = provider.fields;
  if (fields.access_token == fields.refresh_token) {
    const Place credentials = {root.source, &root, "credentials"};
    return Place{root.source, &credentials, "access_token"}.mistake(
        fmt::format("'{}' is the refresh token", fields.access_token));
  }
  return check_delivered(provider, root);
}

}  // namespace

Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name) {
  auto json = TRY(parse_configuration(text, path));
  Provider provider;
  provider.name = name;
  TRY(KeyReader::read(json, {path}, provider));
  TRY(check_provider(provider, {path}));
  return provider;
}

std::vector<std::string> environment_of(const Provider& provider, std::string_view target) {
  constexpr std::string_view placeholder = "{target}";
  std::vector<std::string> assignments;
  for (const auto& [name, value] : provider.environment) {
    std::string assignment = fmt::format("{}={}", name, value);
    size_t at = name.size() + 1;
    while ((at = assignment.find(placeholder, at)) != std::string::npos) {
      assignment.replace(at, placeholder.size(), target);
      at += target.size();
    }
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

std::vector<std::string> provider_directories(std::string_view prefix) {
  return {"/etc/oci-oauth/providers.d", fmt::format("{}/share/oci-oauth/providers", prefix)};
}

Result<Provider> load_provider(std::string_view name, const std::vector<std::string>& directories) {
  if (!is_valid_name(name))
    return Error::configuration(fmt::format("provider '{}': is not a valid provider name", name));
  for (const std::string& directory : directories) {
    const std::string path = fmt::format("{}/{}.json", directory, name);
    auto text = read_file({.path = path}, provider_limit);
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) return Error::configuration(text.error().message);
    return parse_provider(*text, path, name);
  }
  return Error::configuration(fmt::format("provider '{}': there is no {}.json in {}", name, name,
                                          fmt::join(directories, ", ")))
      .with_hint("set \"provider\" in the profile to an existing one, for example \"claude\"");
}

}  // namespace oci_oauth
