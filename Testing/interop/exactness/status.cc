// STATUS. The golden fields are those of Testing/data/layouts/status.py.

#include "igtlStatusMessage.h"
#include "program.hpp"

using program::Text;

namespace {

void PackStatus(const std::string& name, int code, igtlInt64 subcode, const std::string& errorName,
                const std::string& text) {
  igtl::StatusMessage::Pointer message = igtl::StatusMessage::New();
  message->SetCode(code);
  message->SetSubCode(subcode);
  message->SetErrorName(errorName.c_str());
  message->SetStatusString(text.c_str());
  program::Write(name, message, "Device");
}

void Pack() {
  PackStatus("status", 4, -0x123456789ABCDEFLL, "NotFound", "IMAGE_9 is not in the database");
  PackStatus("status_ok", 1, 0, "", "");
  PackStatus("status_full", 19, 0x7FFFFFFFFFFFFFFFLL, Text(20, 'E'), "Gerät nicht bereit");
}

json::Object PrintStatus(const program::Received& received) {
  igtl::StatusMessage::Pointer message = program::Unpack<igtl::StatusMessage>(received);
  json::Object fields = received.Fields();
  fields.AddNumber("code", message->GetCode());
  fields.AddNumber("subcode", message->GetSubCode());
  fields.AddText("error_name", message->GetErrorName());
  return fields.AddText("message", message->GetStatusString());
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"STATUS", PrintStatus}});
}
