// GET_ of all types that the library asks for, and STP_BIND. The names are those of
// Testing/data/layouts/queries.py.

#include "igtlBindMessage.h"
#include "igtlCapabilityMessage.h"
#include "igtlColorTableMessage.h"
#include "igtlImageMessage.h"
#include "igtlImageMetaMessage.h"
#include "igtlLabelMetaMessage.h"
#include "igtlPointMessage.h"
#include "igtlPolyDataMessage.h"
#include "igtlStatusMessage.h"
#include "igtlTrajectoryMessage.h"
#include "igtlTransformMessage.h"
#include "program.hpp"

namespace {

template <typename Message>
void PackQuery(const std::string& name, const std::string& deviceName = "IMAGE_0") {
  typename Message::Pointer message = Message::New();
  program::Write(name, message, deviceName);
}

void Pack() {
  PackQuery<igtl::GetImageMessage>("get_image");
  PackQuery<igtl::GetImageMetaMessage>("get_imgmeta");
  PackQuery<igtl::GetLabelMetaMessage>("get_lbmeta");
  PackQuery<igtl::GetColorTableMessage>("get_colort");
  PackQuery<igtl::GetPointMessage>("get_point");
  PackQuery<igtl::GetTrajectoryMessage>("get_traj");
  PackQuery<igtl::GetPolyDataMessage>("get_polydata");
  PackQuery<igtl::GetStatusMessage>("get_status");
  PackQuery<igtl::GetTransformMessage>("get_trans");
  PackQuery<igtl::GetCapabilityMessage>("get_capabil");
  PackQuery<igtl::StopBindMessage>("stp_bind", "");
}

// The library's queries have no content.
template <typename Message>
json::Object PrintQuery(const program::Received& received) {
  program::Unpack<Message>(received);
  json::Object fields = received.Fields();
  return fields.AddText("data_type", received.Type().substr(4)).AddText("content", "");
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack,
                       {{"GET_IMAGE", PrintQuery<igtl::GetImageMessage>},
                        {"GET_IMGMETA", PrintQuery<igtl::GetImageMetaMessage>},
                        {"GET_LBMETA", PrintQuery<igtl::GetLabelMetaMessage>},
                        {"GET_COLORT", PrintQuery<igtl::GetColorTableMessage>},
                        {"GET_POINT", PrintQuery<igtl::GetPointMessage>},
                        {"GET_TRAJ", PrintQuery<igtl::GetTrajectoryMessage>},
                        {"GET_POLYDATA", PrintQuery<igtl::GetPolyDataMessage>},
                        {"GET_STATUS", PrintQuery<igtl::GetStatusMessage>},
                        {"GET_TRANS", PrintQuery<igtl::GetTransformMessage>},
                        {"GET_CAPABIL", PrintQuery<igtl::GetCapabilityMessage>},
                        {"STP_BIND", PrintQuery<igtl::StopBindMessage>}});
}
