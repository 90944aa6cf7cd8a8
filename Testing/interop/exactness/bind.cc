// BIND and the queries for it. The golden fields are those of Testing/data/layouts/bind.py.
//
// The library's classes pack all of them, but read GET_BIND and STT_BIND as if they were BIND, and
// copy a child into memory that is too small, if it is of no fixed size. So here its C functions
// read them, and its classes the children.

#include "igtlBindMessage.h"
#include "igtlStringMessage.h"
#include "igtl_bind.h"
#include "program.hpp"

using program::Text;

namespace {

// A message of a type that the library does not know.
class UnknownMessage : public igtl::MessageBase {
 public:
  typedef igtl::SmartPointer<UnknownMessage> Pointer;
  igtlNewMacro(UnknownMessage);
  std::string content;

 protected:
  UnknownMessage() { m_DefaultBodyType = "UNHEARD-OF"; }
  int GetBodyPackSize() override { return content.size(); }
  int PackBody() override {
    AllocatePack();
    std::memcpy(m_Body, content.data(), content.size());
    return 1;
  }
};

igtl::MessageBase::Pointer Packed(igtl::MessageBase* message, const std::string& deviceName) {
  message->SetDeviceName(deviceName.c_str());
  message->Pack();
  return message;
}

igtl::MessageBase::Pointer String(const std::string& deviceName, int encoding, const char* text) {
  igtl::StringMessage::Pointer message = igtl::StringMessage::New();
  message->SetEncoding(encoding);
  message->SetString(text);
  return Packed(message, deviceName);
}

igtl::MessageBase::Pointer Unknown() {
  UnknownMessage::Pointer message = UnknownMessage::New();
  message->content = std::string("\0\1\2", 3);
  return Packed(message, Text(20, 'D'));
}

void PackBinds() {
  igtl::MessageBase::Pointer string = String("Größe", 3, "182 cm"), empty = String("", 106, "");
  igtl::MessageBase::Pointer unknown = Unknown();

  igtl::BindMessage::Pointer bind = igtl::BindMessage::New();
  bind->AppendChildMessage(string);
  bind->AppendChildMessage(unknown);
  bind->AppendChildMessage(empty);
  program::Write("bind", bind, "Patient");

  igtl::BindMessage::Pointer inner = igtl::BindMessage::New(), outer = igtl::BindMessage::New();
  inner->AppendChildMessage(unknown);
  inner->AppendChildMessage(empty);
  Packed(inner, "Inner");
  outer->AppendChildMessage(inner);
  outer->AppendChildMessage(empty);
  outer->AppendChildMessage(inner);
  program::Write("bind_nested", outer, "Outer");

  igtl::BindMessage::Pointer none = igtl::BindMessage::New();
  program::Write("bind_empty", none, "Patient");
}

template <typename Message>
typename Message::Pointer Query() {
  typename Message::Pointer query = Message::New();
  query->AppendChildMessage("TRANSFORM", "Needle");
  query->AppendChildMessage("IMAGE", "Größen");
  query->AppendChildMessage("", "");
  return query;
}

void PackQueries() {
  program::Write("get_bind_unpadded", Query<igtl::GetBindMessage>(), "Patient");
  igtl::GetBindMessage::Pointer none = igtl::GetBindMessage::New();
  program::Write("get_bind_of_none", none, "Patient");
  program::Write("stt_bind_unpadded", Query<igtl::StartBindMessage>(), "Patient");
  igtl::StartBindMessage::Pointer all = igtl::StartBindMessage::New();
  program::Write("stt_bind_of_all", all, "Patient");
  igtl::RTSBindMessage::Pointer status = igtl::RTSBindMessage::New();
  status->SetStatus(1);
  program::Write("rts_bind", status, "Patient");
}

void Pack() {
  PackBinds();
  PackQueries();
}

// Reads the content with the C functions. Throws a message for people where they do not want it.
igtl_bind_info Info(std::string& content, int prefix) {
  igtl_bind_info info;
  igtl_bind_init_info(&info);
  if (!igtl_bind_unpack(prefix, &content[0], &info, content.size()))
    throw std::string("the library does not accept the body");
  return info;
}

// The child as a message with a header of its own.
program::Received Child(const igtl_bind_child_info& child, igtl::MessageHeader* parent) {
  program::Received received;
  received.header = igtl::MessageHeader::New();
  received.header->InitPack();
  igtl_header header = {};
  unsigned int seconds = 0, fraction = 0;
  parent->GetTimeStamp(&seconds, &fraction);
  header.version = 1;
  std::strncpy(header.name, child.type, sizeof header.name);
  std::strncpy(header.device_name, child.name, sizeof header.device_name);
  header.timestamp = static_cast<igtl_uint64>(seconds) << 32 | fraction;
  header.body_size = child.size;
  header.crc = crc64(static_cast<unsigned char*>(child.ptr), child.size, crc64(0, 0, 0));
  igtl_header_convert_byte_order(&header);
  std::memcpy(received.header->GetPackPointer(), &header, sizeof header);
  received.header->Unpack();
  received.bytes.assign(reinterpret_cast<const char*>(&header), sizeof header);
  received.bytes.append(static_cast<const char*>(child.ptr), child.size);
  return received;
}

std::string PrintChildren(const program::Received& received);

std::string PrintChild(const program::Received& received) {
  unsigned int seconds = 0, fraction = 0;
  received.header->GetTimeStamp(&seconds, &fraction);
  json::Object fields;
  fields.AddText("device_name", received.header->GetDeviceName());
  fields.AddNumber("timestamp", static_cast<std::uint64_t>(seconds) << 32 | fraction);
  fields.AddNumber("header_version", 1).AddNumber("message_id", 0).Add("metadata", "{}");
  if (received.Type() == "STRING") {
    igtl::StringMessage::Pointer child = program::Unpack<igtl::StringMessage>(received);
    fields.AddText("string", child->GetString()).AddNumber("encoding", child->GetEncoding());
  } else if (received.Type() == "BIND") {
    fields.Add("children", PrintChildren(received));
  } else {
    const std::string content = received.bytes.substr(program::kHeaderSize);
    fields.AddText("data_type", received.Type());
    fields.AddBytes("content", content.data(), content.size());
  }
  return fields.Str();
}

std::string PrintChildren(const program::Received& received) {
  std::string content = received.bytes.substr(program::kHeaderSize);
  igtl_bind_info info = Info(content, IGTL_TYPE_PREFIX_NONE);
  std::vector<std::string> children;
  for (int n = 0; n < info.ncmessages; ++n)
    children.push_back(PrintChild(Child(info.child_info_array[n], received.header)));
  igtl_bind_free_info(&info);
  return json::List(children);
}

json::Object PrintBind(const program::Received& received) {
  return received.Fields().Add("children", PrintChildren(received));
}

json::Object PrintQuery(const program::Received& received, int prefix) {
  std::string content = received.bytes.substr(program::kHeaderSize);
  igtl_bind_info info = Info(content, prefix);
  json::Object fields = received.Fields();
  if (prefix == IGTL_TYPE_PREFIX_STT) fields.AddNumber("resolution", info.resol);
  fields.AddBool("is_padded", true);  // it does not accept others
  if (info.request_all) return fields.AddNull("children");
  std::vector<std::string> children;
  for (int n = 0; n < info.ncmessages; ++n)
    children.push_back(json::Texts({info.child_info_array[n].type, info.child_info_array[n].name}));
  igtl_bind_free_info(&info);
  return fields.AddList("children", children);
}

json::Object PrintGet(const program::Received& received) {
  return PrintQuery(received, IGTL_TYPE_PREFIX_GET);
}

json::Object PrintStart(const program::Received& received) {
  return PrintQuery(received, IGTL_TYPE_PREFIX_STT);
}

json::Object PrintStatus(const program::Received& received) {
  igtl::RTSBindMessage::Pointer message = program::Unpack<igtl::RTSBindMessage>(received);
  return received.Fields().AddNumber("status", message->GetStatus());
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack,
                       {{"BIND", PrintBind},
                        {"GET_BIND", PrintGet},
                        {"STT_BIND", PrintStart},
                        {"RTS_BIND", PrintStatus}});
}
