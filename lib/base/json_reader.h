// SPDX-License-Identifier: Apache-2.0
// RapidJSON's event parser, for text of which little is kept: no document is built.
#pragma once

#include "base/json.h"  // first: it sets what RapidJSON is

#include <rapidjson/reader.h>

namespace oci_oauth {

using JsonStream = rapidjson::StringStream;

// For texts that hold tokens: what it unescapes is wiped.
using WipingJsonReader = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, WipingAllocator>;

// A handler that skips everything and bounds the depth, which also bounds the parser's recursion. Derive, and
// hide what is wanted.
struct JsonHandler {
  void reads(const JsonStream&) {
  }  // told once, before the first event: Tell() is the byte after the event's text
  bool Null() { return true; }
  bool Bool(bool) { return true; }
  bool Int(int) { return true; }
  bool Uint(unsigned) { return true; }
  bool Int64(std::int64_t) { return true; }
  bool Uint64(std::uint64_t) { return true; }
  bool Double(double) { return true; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return true; }
};

// Failure: "SOURCE:LINE:COLUMN: reason"; where the handler returned false, `refusal()` of it says why. A
// string, and not any view: RapidJSON reads 16 bytes at a time from one that ends in NUL.
template <class Handler>
Result<void> read_json(const std::string& text, std::string_view source, Handler& handler) {
  // RapidJSON takes a NUL for the end, whatever follows.
  if (const size_t nul = text.find('\0'); nul != std::string::npos)
    return json_error(text, nul, source, "not JSON");
  JsonStream stream(text.c_str());
  handler.reads(stream);
  rapidjson::Reader reader;
  const rapidjson::ParseResult result = reader.Parse<rapidjson::kParseNoFlags>(stream, handler);
  if (!result.IsError()) return {};
  if (result.Code() == rapidjson::kParseErrorTermination) {
    return json_error(text, result.Offset(), source, handler.refusal());
  }
  return json_error(text, result.Offset(), source, "not JSON");
}

}  // namespace oci_oauth
