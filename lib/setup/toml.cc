// SPDX-License-Identifier: Apache-2.0
#include "setup/toml.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

#include <sstream>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr std::string_view begin_mark = "# begin oci-oauth (oci-oauth uninstall takes these lines out)\n";
constexpr std::string_view end_mark = "# end oci-oauth\n";

}  // namespace

struct Toml::Document {
  toml::table root;

  // nullptr if there is no such node.
  const toml::node* at(const TomlPath& path) const {
    const toml::node* node = &root;
    for (const std::string& key : path) {
      const toml::table* table = node->as_table();
      node = table == nullptr ? nullptr : table->get(key);
      if (node == nullptr) return nullptr;
    }
    return node;
  }
};

Result<Toml> Toml::parse(std::string_view text, std::string_view source) {
  toml::parse_result result = toml::parse(text);
  if (result) return Toml(std::make_shared<const Document>(Document{std::move(result).table()}));
  const toml::parse_error& error = result.error();
  return Error{ErrorKind::failed, fmt::format("{}:{}:{}: not TOML: {}", source, error.source().begin.line,
                                              error.source().begin.column, error.description())};
}

std::optional<std::int64_t> Toml::integer(const TomlPath& path) const {
  const toml::node* node = document_->at(path);
  return node == nullptr ? std::nullopt : node->value_exact<std::int64_t>();
}

std::optional<std::string> Toml::string(const TomlPath& path) const {
  const toml::node* node = document_->at(path);
  return node == nullptr ? std::nullopt : node->value_exact<std::string>();
}

std::optional<Toml::List> Toml::list(const TomlPath& path) const {
  const toml::node* node = document_->at(path);
  const toml::array* array = node == nullptr ? nullptr : node->as_array();
  if (array == nullptr) return std::nullopt;
  List list;
  for (const toml::node& element : *array) {
    if (const auto text = element.value_exact<std::string>()) list.strings.push_back(*text);
    if (const toml::table* table = element.as_table()) list.append = (*table)["append"].value<bool>();
  }
  return list;
}

bool Toml::has(const TomlPath& path) const {
  return document_->at(path) != nullptr;
}

std::vector<std::pair<std::string, std::string>> Toml::members(const TomlPath& path) const {
  std::vector<std::pair<std::string, std::string>> members;
  const toml::node* node = document_->at(path);
  const toml::table* table = node == nullptr ? nullptr : node->as_table();
  if (table == nullptr) return members;
  for (const auto& [key, value] : *table) {
    std::ostringstream text;
    if (!value.is_table()) value.visit([&](const auto& plain) { text << toml::toml_formatter{plain}; });
    members.emplace_back(std::string(key), text.str());
  }
  return members;
}

Result<std::string> add_toml_block(std::string_view text, std::string_view source, std::string_view block) {
  auto before = TRY(Toml::parse(text, source));
  std::string result(text);
  if (!result.empty() && !result.ends_with('\n')) result += '\n';
  result += fmt::format("{}{}{}", begin_mark, block, end_mark);
  if (auto after = Toml::parse(result, source); !after)
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

std::string toml_quoted(std::string_view text) {
  return json_quoted(text);  // a basic string accepts JSON's escapes
}

}  // namespace oci_oauth
