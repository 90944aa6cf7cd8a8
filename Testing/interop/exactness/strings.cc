// STRING. The golden fields are those of Testing/data/layouts/strings.py. To the library a text is
// bytes, whatever its encoding.

#include "igtlStringMessage.h"
#include "program.hpp"

namespace {

void PackString(const std::string& name, int encoding, std::string bytes) {
  igtl::StringMessage::Pointer message = igtl::StringMessage::New();
  message->SetEncoding(encoding);
  message->SetString(bytes);
  program::Write(name, message, "Console");
}

void Pack() {
  PackString("string_ascii", 3, "Needle at target");
  PackString("string_utf8", 106, "Größe 頭部 🧠");
  PackString("string_utf8_of_ascii", 106, "plain");
  PackString("string_latin_1", 4, "Gr\xf6\xdf" "e");
  PackString("string_shift_jis", 17, "\x93\xaa\x95\x94");
  PackString("string_utf16", 1013, "\x98\x2d\x90\xe8");
  PackString("string_unknown_encoding", 60000, "Gr\xf6\xdf" "e");
  PackString("string_not_ascii", 3, "Gr\xf6\xdf" "e");
  PackString("string_empty", 3, "");
}

json::Object PrintString(const program::Received& received) {
  igtl::StringMessage::Pointer message = program::Unpack<igtl::StringMessage>(received);
  json::Object fields = received.Fields();
  fields.AddText("string", message->GetString());
  return fields.AddNumber("encoding", message->GetEncoding());
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"STRING", PrintString}});
}
