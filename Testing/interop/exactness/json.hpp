// Prints fields as JSON, in the form of plain() in Testing/data/golden.py.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

namespace json {

// A text. Its bytes are kept as they are, also where they are no UTF-8.
inline std::string Text(const std::string& text) {
  std::string json = "\"";
  for (const unsigned char character : text) {
    char escaped[8];
    if (character < 0x20 || character == '"' || character == '\\') {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", character);
      json += escaped;
    } else {
      json += static_cast<char>(character);
    }
  }
  return json + "\"";
}

// A number of any type, so that it is read back as the same.
template <typename Type>
std::string Number(Type value) {
  if constexpr (std::is_floating_point_v<Type>) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", static_cast<double>(value));
    return digits;
  } else {
    return std::to_string(+value);
  }
}

inline std::string Bytes(const void* bytes, std::size_t size) {
  static const char kDigits[] = "0123456789abcdef";
  std::string json = "\"";
  for (std::size_t n = 0; n < size; ++n) {
    const unsigned char byte = static_cast<const unsigned char*>(bytes)[n];
    json += kDigits[byte >> 4];
    json += kDigits[byte & 15];
  }
  return json + "\"";
}

// A list of values that are JSON already.
inline std::string List(const std::vector<std::string>& values) {
  std::string json = "[";
  for (std::size_t n = 0; n < values.size(); ++n) json += (n ? ", " : "") + values[n];
  return json + "]";
}

template <typename Type>
std::string Numbers(const Type* values, std::size_t count) {
  std::vector<std::string> numbers;
  for (std::size_t n = 0; n < count; ++n) numbers.push_back(Number(values[n]));
  return List(numbers);
}

inline std::string Texts(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  for (const std::string& text : texts) values.push_back(Text(text));
  return List(values);
}

// An object; the fields stand in it in the order in which they were added.
class Object {
 public:
  // Adds a value that is JSON already.
  Object& Add(const std::string& name, const std::string& json) {
    fields_ += (fields_.empty() ? "" : ", ") + Text(name) + ": " + json;
    return *this;
  }
  Object& AddText(const std::string& name, const std::string& text) {
    return Add(name, Text(text));
  }
  template <typename Type>
  Object& AddNumber(const std::string& name, Type value) {
    return Add(name, Number(value));
  }
  Object& AddBool(const std::string& name, bool value) { return Add(name, value ? "true" : "false"); }
  Object& AddNull(const std::string& name) { return Add(name, "null"); }
  template <typename Type>
  Object& AddNumbers(const std::string& name, const Type* values, std::size_t count) {
    return Add(name, Numbers(values, count));
  }
  Object& AddTexts(const std::string& name, const std::vector<std::string>& texts) {
    return Add(name, Texts(texts));
  }
  Object& AddBytes(const std::string& name, const void* bytes, std::size_t size) {
    return Add(name, Bytes(bytes, size));
  }
  Object& AddList(const std::string& name, const std::vector<std::string>& values) {
    return Add(name, List(values));
  }
  // Adds an array; dtype is numpy's name ("uint16").
  template <typename Type>
  Object& AddArray(const std::string& name, const std::string& dtype,
                   const std::vector<long>& shape, const Type* values);
  std::string Str() const { return "{" + fields_ + "}"; }

 private:
  std::string fields_;
};

template <typename Type>
std::string Array(const std::string& dtype, const std::vector<long>& shape, const Type* values) {
  std::size_t count = 1;
  for (const long length : shape) count *= length;
  return Object()
      .AddText("dtype", dtype)
      .AddNumbers("shape", shape.data(), shape.size())
      .AddNumbers("values", values, count)
      .Str();
}

template <typename Type>
Object& Object::AddArray(const std::string& name, const std::string& dtype,
                         const std::vector<long>& shape, const Type* values) {
  return Add(name, Array(dtype, shape, values));
}

}  // namespace json
