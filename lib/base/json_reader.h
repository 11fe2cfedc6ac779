// SPDX-License-Identifier: Apache-2.0
// RapidJSON's event parser, for text of which little is kept: it does not build a document.
#pragma once

#include "base/json.h"  // first, because it configures RapidJSON

#include <rapidjson/reader.h>

namespace oci_oauth {

using JsonStream = rapidjson::StringStream;

// For texts that contain tokens: wipes what it unescapes.
using WipingJsonReader = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, WipingAllocator>;

// A handler that skips everything and limits the depth, and thereby the parser's recursion. Derive from it,
// and hide the functions for wanted events.
struct JsonHandler {
  void reads(const JsonStream&) {
  }  // set once, before the first event: Tell() is the byte after the event's text
  bool Null() { return true; }
  bool Bool(bool) { return true; }
  bool Int(int) { return true; }
  bool Uint(unsigned) { return true; }
  bool Int64(std::int64_t) { return true; }
  bool Uint64(std::uint64_t) { return true; }
  bool Double(double) { return true; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return true; }
};

// Failure: "SOURCE:LINE:COLUMN: reason"; if the handler returned false, the reason is its refusal(). Takes a
// string, because RapidJSON reads blocks of 16 bytes from a text that ends in NUL.
template <class Handler>
Result<void> read_json(const std::string& text, std::string_view source, Handler& handler) {
  // RapidJSON takes a NUL for the end of the text.
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
