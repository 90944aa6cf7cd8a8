// What the programs of this folder share: each packs the golden messages of one family with the
// OpenIGTLink C++ library, and unpacks messages with it (see test_exactness.py).
//
//     FAMILY pack FOLDER      writes the golden messages of header version 1, as NAME_v1.bin
//     FAMILY unpack FILE...   prints each message of each file as a line of JSON, in the form of
//                             plain() in Testing/data/golden.py; or an object with "error"
//
// A program has functions that fill in the library's classes, functions that print them, and
//
//     int main(int argc, char** argv) { return program::Main(argc, argv, Pack, {{"TYPE", Print}}); }

#pragma once

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <new>
#include <string>

#include "igtlMessageBase.h"
#include "igtlMessageHeader.h"
#include "json.hpp"

// The library leaves reserved bytes as it finds them in memory. Here it finds zeros.
void* operator new[](std::size_t size) {
  if (void* memory = std::calloc(size ? size : 1, 1)) return memory;
  throw std::bad_alloc();
}
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace program {

// The time stamp of all golden messages.
const unsigned int kSeconds = 1715934600u;
const unsigned int kFraction = 3u << 30;
const std::size_t kHeaderSize = 58;

inline std::string& Folder() {
  static std::string folder;
  return folder;
}

inline std::string Text(int length, char character) { return std::string(length, character); }

// Packs a message and writes it as the golden message of that name.
template <typename Pointer>
void Write(const std::string& name, const Pointer& message, const std::string& deviceName) {
  message->SetDeviceName(deviceName.c_str());
  message->SetTimeStamp(kSeconds, kFraction);
  message->Pack();
  std::ofstream file(Folder() + "/" + name + "_v1.bin", std::ios::binary);
  file.write(static_cast<const char*>(message->GetPackPointer()), message->GetPackSize());
}

// A message whose header the library has read, and its bytes.
struct Received {
  igtl::MessageHeader::Pointer header;
  std::string bytes;

  std::string Type() const { return header->GetDeviceType(); }
  std::size_t BodySize() const { return bytes.size() - kHeaderSize; }
  // The object with what every message has; the type's own fields are to be added.
  json::Object Fields() const {
    unsigned int seconds = 0, fraction = 0;
    header->GetTimeStamp(&seconds, &fraction);
    json::Object fields;
    fields.AddText("type_name", Type());
    fields.AddText("device_name", header->GetDeviceName());
    fields.AddNumber("timestamp", static_cast<std::uint64_t>(seconds) << 32 | fraction);
    return fields;
  }
};

// Unpacks the body with one of the library's classes, as its examples do. Throws a message for
// people where the library does not want it.
template <typename Message>
typename Message::Pointer Unpack(const Received& received) {
  typename Message::Pointer message = Message::New();
  message->SetMessageHeader(received.header);
  message->AllocatePack();
  if (static_cast<std::size_t>(message->GetPackBodySize()) != received.BodySize())
    throw std::string("the library does not take a body of this size");
  std::memcpy(message->GetPackBodyPointer(), received.bytes.data() + kHeaderSize,
              received.BodySize());
  const int result = message->Unpack(1);
  if (received.BodySize() && !(result & igtl::MessageHeader::UNPACK_BODY))
    throw std::string("the library does not accept the body");
  return message;
}

using Print = std::function<json::Object(const Received&)>;
using Printers = std::map<std::string, Print>;

inline json::Object PrintMessage(const Received& received, const Printers& printers) {
  const auto printer = printers.find(received.Type());
  if (printer == printers.end())
    return json::Object().AddText("error", "this program does not read " + received.Type());
  try {
    return printer->second(received);
  } catch (const std::string& error) {
    return json::Object().AddText("error", error);
  }
}

inline void UnpackFile(const std::string& path, const Printers& printers) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (std::size_t start = 0; start + kHeaderSize <= bytes.size();) {
    Received received;
    received.header = igtl::MessageHeader::New();
    received.header->InitPack();
    std::memcpy(received.header->GetPackPointer(), bytes.data() + start, kHeaderSize);
    received.header->Unpack();
    received.bytes = bytes.substr(start, kHeaderSize + received.header->GetBodySizeToRead());
    start += received.bytes.size();
    std::cout << PrintMessage(received, printers).Str() << std::endl;
  }
}

inline int Main(int argc, char** argv, const std::function<void()>& pack,
                const Printers& printers) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "pack" && argc == 3) {
    Folder() = argv[2];
    pack();
    return 0;
  }
  if (mode == "unpack") {
    for (int n = 2; n < argc; ++n) UnpackFile(argv[n], printers);
    return 0;
  }
  std::cerr << "usage: " << argv[0] << " pack FOLDER | unpack FILE...\n";
  return 2;
}

}  // namespace program
