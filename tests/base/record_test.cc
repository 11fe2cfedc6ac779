// SPDX-License-Identifier: Apache-2.0
#include "base/record.h"

#include <map>
#include <set>
#include <vector>

#include "base/time.h"
#include "support/catch.h"

namespace oci_oauth {

namespace {

enum class Shape { round, square };
constexpr std::array<std::string_view, 2> words_of(Shape) {
  return {"round", "square"};
}

struct Stone {
  std::string name;
  std::uint8_t weight = 0;
  friend bool operator==(const Stone&, const Stone&) = default;
};

struct Box {
  static constexpr int version = 3;

  std::string label;
  Secret code;
  bool is_open = false;
  std::int64_t depth = 0;
  Shape shape = Shape::round;
  Time made_at;
  std::chrono::microseconds age{0};
  std::optional<Stone> best;
  std::vector<Stone> stones;
  std::set<std::string> colours;
  std::map<std::string, std::uint64_t, std::less<>> counts;
  friend bool operator==(const Box&, const Box&) = default;
};

void describe(auto& each, RecordOf<Stone> auto& stone) {
  each("name", stone.name, Presence::required);
  each("weight", stone.weight);
}

Result<void> check(const Stone& stone) {
  if (stone.name != "air") return {};
  return Error{ErrorKind::failed, "is not a stone"};
}

void describe(auto& each, RecordOf<Box> auto& box) {
  each("label", box.label, Presence::nullable);
  each("code", box.code);
  each("is_open", box.is_open);
  each("depth", box.depth, Presence::required);
  each("shape", box.shape);
  each("made_at", box.made_at);
  each("age_us", box.age);
  each("best", box.best);
  each("stones", box.stones);
  each("colours", box.colours);
  each("counts", box.counts);
}

Box a_box() {
  Box box;
  box.label = "a \"box\"";
  box.code = Secret(std::string_view("sesame"));
  box.is_open = true;
  box.depth = std::numeric_limits<std::int64_t>::min();
  box.shape = Shape::square;
  box.made_at = Time(Milliseconds(17));
  box.age = std::chrono::microseconds(5);
  box.best = Stone{"ruby", 255};
  box.stones = {{"opal", 0}, {"", 1}};
  box.colours = {"blue", "red"};
  box.counts = {{"a", std::numeric_limits<std::uint64_t>::max()}, {"b", 0}};
  return box;
}

std::string text_of(const Box& box, JsonStyle style = JsonStyle::compact) {
  return std::string(write_record(box, style).reveal());
}

std::string mistake_in(std::string_view text) {
  const auto box = read_record<Box>(text, "box.json");
  return box ? "" : box.error().message;
}

}  // namespace

TEST_CASE("a record is read back as it was written") {
  for (const JsonStyle style : {JsonStyle::compact, JsonStyle::indented}) {
    const auto box = read_record<Box>(text_of(a_box(), style), "");
    REQUIRE(box);
    CHECK(*box == a_box());
  }
}

TEST_CASE("what is initial is left out, null or written, as its description says") {
  CHECK(text_of(Box{}) == R"({"version":3,"label":null,"depth":0})");
  const auto box = read_record<Box>(text_of(Box{}), "");
  REQUIRE(box);
  CHECK(*box == Box{});
}

TEST_CASE("an indented record has two spaces a level and a newline at its end") {
  Box box;
  box.stones = {{"opal", 2}};
  CHECK(text_of(box, JsonStyle::indented) == R"({
  "version": 3,
  "label": null,
  "depth": 0,
  "stones": [
    {
      "name": "opal",
      "weight": 2
    }
  ]
}
)");
}

TEST_CASE("keys come in any order, and unknown ones are ignored") {
  const auto box = read_record<Box>(
      R"({"colours":["red"],"lid":{"a":[1]},"depth":-4,"shape":"square","version":3})", "box.json");
  REQUIRE(box);
  CHECK(box->depth == -4);
  CHECK(box->shape == Shape::square);
  CHECK(box->colours == std::set<std::string>{"red"});
}

TEST_CASE("a text of any bytes can be read again: what is not UTF-8 becomes U+FFFD") {
  for (const auto& [text, read] :
       {std::pair<std::string, std::string>{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91 \t\n\"\\/\x01\x7f",
                                            "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91 \t\n\"\\/\x01\x7f"},
        {std::string("\0", 1), std::string("\0", 1)},
        {"\xff-\xc3", "\xef\xbf\xbd-\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}}) {
    Box box;
    box.label = text;
    const auto again = read_record<Box>(text_of(box), "");
    REQUIRE(again);
    CHECK(again->label == read);
  }
}

TEST_CASE("the first mistake of a record is reported with its place") {
  CHECK(mistake_in(R"({"version":3,"depth":"4"})") == "box.json: /depth: is not an integer");
  CHECK(mistake_in(R"({"version":3,"depth":0.5})") == "box.json: /depth: is not an integer");
  CHECK(mistake_in(R"({"version":3,"depth":9223372036854775808})") == "box.json: /depth: is out of range");
  CHECK(mistake_in(R"({"version":3})") == "box.json: /depth: is missing");
  CHECK(mistake_in(R"({"version":3,"label":1,"depth":1})") == "box.json: /label: is not a string");
  CHECK(mistake_in(R"({"version":3,"depth":1,"is_open":1})") == "box.json: /is_open: is not true or false");
  CHECK(mistake_in(R"({"version":3,"depth":1,"shape":"flat"})") ==
        "box.json: /shape: is not one of round, square");
  CHECK(mistake_in(R"({"version":3,"depth":1,"best":[]})") == "box.json: /best: is not an object");
  CHECK(mistake_in(R"({"version":3,"depth":1,"stones":{}})") == "box.json: /stones: is not an array");
  CHECK(mistake_in(R"({"version":3,"depth":1,"counts":[]})") == "box.json: /counts: is not an object");
  CHECK(mistake_in(R"({"version":3,"depth":1,"counts":{"a":-1}})") == "box.json: /counts/a: is out of range");
  CHECK(mistake_in(R"({"version":3,"depth":1,"stones":[{"name":"a"},{"name":"b","weight":256}]})") ==
        "box.json: /stones/1/weight: is out of range");
  CHECK(mistake_in(R"({"version":3,"depth":1,"stones":[{"weight":2}]})") ==
        "box.json: /stones/0/name: is missing");
  CHECK(mistake_in(R"({"version":3,"depth":1,"best":{"name":"air"}})") == "box.json: /best: is not a stone");
  CHECK(mistake_in("{") != "");
}

TEST_CASE("a record of another version is refused before its members are read") {
  for (const char* text : {R"({"version":2,"depth":"4"})", R"({"version":4})", R"({"depth":1})", "[]"})
    CHECK(mistake_in(text) == "box.json: was written by another version");
}

}  // namespace oci_oauth
