// COLORT. The golden fields are those of Testing/data/layouts/color_tables.py.

#include "igtlColorTableMessage.h"
#include "program.hpp"

namespace {

// The message under the name that the library gave it until 2013.
class LongNamedColorTableMessage : public igtl::ColorTableMessage {
 public:
  typedef igtl::SmartPointer<LongNamedColorTableMessage> Pointer;
  igtlNewMacro(LongNamedColorTableMessage);

 protected:
  LongNamedColorTableMessage() { m_DefaultBodyType = "COLORTABLE"; }
};

int Channel(int channel, int entry) {
  return channel == 0 ? entry : channel == 1 ? 255 - entry : entry * 7 % 256;
}

template <typename Message>
void PackTable(const std::string& name, int mapType) {
  typename Message::Pointer message = Message::New();
  message->SetIndexTypeToUint8();
  message->SetMapType(mapType);
  message->AllocateTable();
  igtlUint8* bytes = static_cast<igtlUint8*>(message->GetTablePointer());
  igtlUint16* words = reinterpret_cast<igtlUint16*>(bytes);
  const int channels = mapType == igtl::ColorTableMessage::MAP_RGB ? 3 : 1;
  for (int n = 0; n < 256 * channels; ++n) {
    const int value = Channel(n % channels, n / channels);
    if (mapType == igtl::ColorTableMessage::MAP_UINT16) {
      words[n] = value * 257;
    } else {
      bytes[n] = value;
    }
  }
  program::Write(name, message, "IMAGE_0");
}

void Pack() {
  PackTable<igtl::ColorTableMessage>("color_table_rgb", igtl::ColorTableMessage::MAP_RGB);
  PackTable<igtl::ColorTableMessage>("color_table_uint8", igtl::ColorTableMessage::MAP_UINT8);
  PackTable<igtl::ColorTableMessage>("color_table_uint16", igtl::ColorTableMessage::MAP_UINT16);
  PackTable<LongNamedColorTableMessage>("color_table_long_name",
                                        igtl::ColorTableMessage::MAP_UINT8);
}

template <typename Message>
json::Object PrintColorTable(const program::Received& received) {
  typename Message::Pointer message = program::Unpack<Message>(received);
  const long entries = message->GetIndexType() == igtl::ColorTableMessage::INDEX_UINT8 ? 256 : 65536;
  const void* table = message->GetTablePointer();
  json::Object fields = received.Fields();
  if (message->GetMapType() == igtl::ColorTableMessage::MAP_UINT16)
    return fields.AddArray("colors", "uint16", {entries, 1}, static_cast<const igtlUint16*>(table));
  const long components = message->GetMapType() == igtl::ColorTableMessage::MAP_RGB ? 3 : 1;
  return fields.AddArray("colors", "uint8", {entries, components},
                         static_cast<const igtlUint8*>(table));
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack,
                       {{"COLORT", PrintColorTable<igtl::ColorTableMessage>},
                        {"COLORTABLE", PrintColorTable<LongNamedColorTableMessage>}});
}
