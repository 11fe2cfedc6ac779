// SPDX-License-Identifier: Apache-2.0
#include "key_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <optional>
#include <type_traits>
#include <vector>

#include "config/keys.h"
#include "manual.h"

namespace oci_oauth {

namespace {

// Each sentence begins a line, and no line is taken for a macro.
std::string sentences(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find(". "), text.size());
    const std::string_view sentence = text.substr(0, std::min(end + 1, text.size()));
    if (sentence.starts_with('.') || sentence.starts_with('\'')) lines += "\\&";
    lines += fmt::format("{}\n", sentence);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return lines;
}

class TableKeys {
 public:
  using Help = std::string_view;
  template <class Enum>
  using Choice = KeyChoice<Enum, Help>;

  template <class T>
  static std::string of(T object = {}) {
    TableKeys keys;
    keys_of(keys, object);
    return fmt::format("{}.Bl -tag -width Ds\n{}.El\n", keys.relations_, keys.rows_);
  }

  template <class Rule>
  void text(Key key, std::string&, Rule, Help help) {
    add(key, fmt::format("Ar {}", Rule::type), help);
  }
  template <class Rule>
  void texts(Key key, std::vector<std::string>& member, Rule, Help help) {
    add(key, fmt::format("Ar {} ...", Rule::type), help, fmt::format("{}", fmt::join(member, ", ")));
  }
  template <class Rule>
  void text_or_texts(Key key, std::vector<std::string>&, Rule, Help help) {
    add(key, fmt::format("Ar {} | {} ...", Rule::type, Rule::type), help);
  }
  template <class Name, class Value>
  void pairs(Key key, Pairs&, Name, Value, Help help) {
    add(key, fmt::format("Ar {} : {} ...", Name::type, Value::type), help);
  }
  void command(Key key, std::vector<std::string>&, Help help) { add(key, "Ar path argument ...", help); }
  void duration(Key key, Milliseconds& member, Bounds bounds, Help help) {
    std::string text(help);
    if (bounds.most != Bounds().most) text += fmt::format(" At most {}.", duration_text(bounds.most));
    add(key, "Ar duration", text, duration_text(member));
  }
  void mode(Key key, mode_t& member, Help help) { add(key, "Ar mode", help, fmt::format("{:04o}", member)); }
  template <class Flag>
  void boolean(Key key, Flag& member, Help help) {
    add(key, "Cm true | false", help, static_cast<bool>(member) ? "true" : "false");
  }
  template <class Enum>
  void choice(Key key, Enum& member, std::initializer_list<Choice<std::type_identity_t<Enum>>> choices,
              Help help) {
    std::vector<std::string_view> words;
    std::string text(help), chosen;
    for (const auto& choice : choices) {
      words.push_back(choice.word);
      if (choice.value == member) chosen = choice.word;
      if (!choice.help.empty()) text += fmt::format(" {}: {}.", choice.word, choice.help);
    }
    add(key, fmt::format("Cm {}", fmt::join(words, " | ")), text, chosen);
  }
  template <class T>
  void object(Key key, T&, Help help) {
    add(key, "Ar object", help);
  }
  template <class T>
  void objects(Key key, std::vector<T>&, Help help) {
    add(key, "Ar object ...", help);
  }
  template <class T>
  void named(Key key, std::vector<T>&, Help help) {
    add(key, "Ar name : object ...", help);
  }
  void one_of(std::string_view a, std::string_view b, std::string_view neither = "") {
    relations_ += fmt::format("Exactly one of {} and {} is given{}.\n", a, b,
                              neither.empty() ? "" : fmt::format(", or {} alone", neither));
  }
  void not_both(std::string_view a, std::string_view b) {
    relations_ += fmt::format("At most one of {} and {} is given.\n", a, b);
  }
  void needs(std::string_view key, std::initializer_list<std::string_view> others) {
    relations_ += fmt::format("Whoever gives {} also gives {}.\n", key, fmt::join(others, ", "));
  }

 private:
  void add(Key key, std::string_view value, std::string_view help, std::string_view otherwise = "") {
    rows_ += fmt::format(".It Cm {} {}\n{}", key.name, value, sentences(help));
    if (key.is_required) rows_ += "Mandatory.\n";
    if (!otherwise.empty()) rows_ += fmt::format("Default: {}.\n", otherwise);
  }

  std::string rows_, relations_;
};

std::string table(std::string_view object) {
  if (object == "config") return TableKeys::of<Config>();
  if (object == "profile") return TableKeys::of<Profile>();
  if (object == "fleet") return TableKeys::of<FleetConfig>();
  if (object == "kubernetes") return TableKeys::of<KubernetesConfig>();
  if (object == "source") return TableKeys::of<ExecSource>();
  if (object == "sink") return TableKeys::of<Sink>();
  if (object == "onecli") return TableKeys::of<OneCliSink>();
  if (object == "provider") return TableKeys::of<Provider>();
  if (object == "login") return TableKeys::of<LoginPlace>();
  if (object == "credentials") return TableKeys::of<CredentialFields>();
  if (object == "deliver") return TableKeys::of<DeliveredFile>();
  if (object == "lock") return TableKeys::of<ProviderLock>();
  if (object == "api") return TableKeys::of<Api>();
  return fmt::format(".\\\" no object {}\n", object);
}

}  // namespace

std::string config_manual_page(std::string_view source) {
  constexpr std::string_view keys = "@KEYS ";
  return with_lines_replaced(source, [&](std::string_view line) {
    if (!line.starts_with(keys) || !line.ends_with('@')) return fmt::format("{}\n", line);
    return table(line.substr(keys.size(), line.size() - keys.size() - 1));
  });
}

}  // namespace oci_oauth
