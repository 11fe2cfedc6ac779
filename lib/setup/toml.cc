// SPDX-License-Identifier: Apache-2.0
#include "setup/toml.h"

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::string_view begin_mark = "# begin oci-oauth (oci-oauth uninstall takes these lines out)\n";
constexpr std::string_view end_mark = "# end oci-oauth\n";

}  // namespace

Result<toml::table> parse_toml(std::string_view text, std::string_view source) {
  toml::parse_result result = toml::parse(text);
  if (result) return std::move(result).table();
  const toml::parse_error& error = result.error();
  return Error{ErrorKind::failed, fmt::format("{}:{}:{}: not TOML: {}", source, error.source().begin.line,
                                              error.source().begin.column, error.description())};
}

std::vector<std::string> strings_in(TomlView array) {
  std::vector<std::string> strings;
  if (!array.is_array()) return strings;
  for (const toml::node& element : *array.as_array()) {
    if (const auto text = element.value<std::string>()) strings.push_back(*text);
  }
  return strings;
}

Result<std::string> add_toml_block(std::string_view text, std::string_view source, std::string_view block) {
  std::string result(text);
  if (!result.empty() && !result.ends_with('\n')) result += '\n';
  result += fmt::format("{}{}{}", begin_mark, block, end_mark);
  if (auto after = parse_toml(result, source); !after)
    return std::move(after).error().in("with the runtime oci-oauth added");
  return result;
}

std::string_view find_toml_block(std::string_view text) {
  const size_t begin = text.find(begin_mark);
  const size_t end = begin == std::string_view::npos ? begin : text.find(end_mark, begin);
  if (end == std::string_view::npos) return "";
  return text.substr(begin, end + end_mark.size() - begin);
}

std::string remove_toml_block(std::string_view text) {
  const std::string_view block = find_toml_block(text);
  if (block.empty()) return std::string(text);
  const auto begin = static_cast<size_t>(block.data() - text.data());
  return fmt::format("{}{}", text.substr(0, begin), text.substr(begin + block.size()));
}

}  // namespace oci_oauth
