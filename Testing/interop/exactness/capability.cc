// CAPABILITY. The golden fields are those of Testing/data/layouts/capability.py.

#include "igtlCapabilityMessage.h"
#include "program.hpp"

namespace {

void Pack() {
  igtl::CapabilityMessage::Pointer message = igtl::CapabilityMessage::New();
  message->SetTypes({"IMAGE", "GET_IMAGE", "TRANSFORM", "GET_TRANSFOR", ""});
  program::Write("capability", message, "Device");
  igtl::CapabilityMessage::Pointer empty = igtl::CapabilityMessage::New();
  program::Write("capability_empty", empty, "Device");
}

json::Object PrintCapability(const program::Received& received) {
  igtl::CapabilityMessage::Pointer message = program::Unpack<igtl::CapabilityMessage>(received);
  return received.Fields().AddTexts("types", message->GetTypes());
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"CAPABILITY", PrintCapability}});
}
